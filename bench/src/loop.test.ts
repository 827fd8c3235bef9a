import { expect, test } from "vitest";
import { buildLoop } from "./loop.ts";

test("the loop calls the operation with 0, 1, 2, … and returns the last result", () => {
  const indexes: number[] = [];
  const loop = buildLoop((index) => {
    indexes.push(index);
    return index * 10;
  });
  indexes.length = 0;
  expect(loop(3)).toBe(20);
  expect(indexes).toEqual([0, 1, 2]);
});

test("an operation that returns promises is awaited, one after the other", async () => {
  let running = 0;
  let most = 0;
  const loop = buildLoop(async (index) => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
    return index;
  });
  most = 0;
  running = 0;
  expect(await loop(5)).toBe(4);
  expect(most).toBe(1);
});

test("every operation has a loop compiled for it alone", () => {
  expect(String(buildLoop(() => 1))).not.toBe(String(buildLoop(() => 1)));
});

test("what the operation throws comes out", async () => {
  let calls = 0;
  const throwsLater = (): unknown => {
    calls += 1;
    if (calls > 2) throw new Error("third call");
    return calls;
  };
  const loop = buildLoop(throwsLater);
  expect(() => loop(5)).toThrow("third call");
});
