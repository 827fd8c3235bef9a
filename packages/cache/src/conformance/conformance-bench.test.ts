import { expect, test } from "vitest";
import { memorySetup } from "../../test/mistaken-store.ts";
import { conformanceCase, only } from "./conformance-bench.ts";

test("a case gets two processes of one cache, and what it opened is closed when it fails", async () => {
  let closed = 0;
  const setup = memorySetup((right) => ({
    close: () => {
      closed += 1;
      return right.close();
    },
  }));
  const failing = conformanceCase("fails", async ({ ours, theirs, key, write, text }) => {
    const written = key();
    await write(written, "value");
    await theirs.heard(1);
    expect(theirs.told[0]?.message).toEqual({ kind: "keys", keys: [written] });
    expect(ours.told).toEqual([]);
    throw new Error(`as it should: ${await text(written)}`);
  });
  await expect(failing.run(setup)).rejects.toThrow("as it should: value");
  expect(closed).toBe(2);
});

test("a case that empties the servers does nothing where that is not offered", async () => {
  const { forget: _, ...setup } = memorySetup();
  let runs = 0;
  const count = async () => {
    runs += 1;
  };
  const isolated = conformanceCase("empties", count, { isolated: true });
  await isolated.run(setup);
  expect(runs).toBe(0);
  await isolated.run(memorySetup());
  expect(runs).toBe(1);
});

test("one answer is due where one thing was asked", async () => {
  expect(await only(Promise.resolve(["a"]))).toBe("a");
  await expect(only(Promise.resolve(["a", "b"]))).rejects.toThrow("one answer was due, got 2");
});
