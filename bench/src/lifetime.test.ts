import { expect, test } from "vitest";
import { Lifetime } from "./lifetime.ts";

test("what a work opens is closed when it ends, the last opened first", async () => {
  const closed: string[] = [];
  const result = await new Lifetime().within(async (resources) => {
    resources.defer(() => void closed.push("server"));
    resources.defer(() => void closed.push("client"));
    return "done";
  });
  expect(result).toBe("done");
  expect(closed).toEqual(["client", "server"]);
});

test("it is closed when the work fails, and the failure comes out", async () => {
  let isClosed = false;
  const work = new Lifetime().within(async (resources) => {
    resources.defer(() => {
      isClosed = true;
    });
    throw new Error("broken");
  });
  await expect(work).rejects.toThrow("broken");
  expect(isClosed).toBe(true);
});

test("closing while the work runs closes what is open, once, and the work goes no further", async () => {
  const lifetime = new Lifetime();
  const steps: string[] = [];
  void lifetime
    .within(async (resources) => {
      const closed = new Promise<void>((resolve) => {
        resources.defer(() => {
          steps.push("closed");
          resolve();
        });
      });
      await closed;
      steps.push("work saw it");
    })
    .finally(() => steps.push("returned"));
  await lifetime.close();
  void lifetime.within(async () => steps.push("next work"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(steps).toEqual(["closed", "work saw it"]);
});
