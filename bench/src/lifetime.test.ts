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
  let closes = 0;
  let isReturned = false;
  const { promise: interrupted, reject } = promiseToReject();
  void lifetime
    .within(async (resources) => {
      resources.defer(() => {
        closes += 1;
        reject(new Error("connection closed"));
      });
      await interrupted;
    })
    .finally(() => {
      isReturned = true;
    });
  await lifetime.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(closes).toBe(1);
  expect(isReturned).toBe(false);
});

function promiseToReject(): { promise: Promise<void>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<void>((_, rejectIt) => {
    reject = rejectIt;
  });
  return { promise, reject };
}
