/** The account that the fault tests of the queue rely on sees what it is for. */

import { createRecorder, type History } from "@headroom/harness";
import { expect, test } from "vitest";
import { accountOf, type Effect, slopeOf } from "./queue-fault-account.ts";

/** Ten jobs of two keys, the last of which was not acknowledged. */
async function added(): Promise<History> {
  const recorder = createRecorder();
  for (let index = 0; index < 10; index++) {
    await recorder.run({ kind: "enqueue", value: index }, () => {
      if (index === 9) throw new Error("no answer");
    });
  }
  return recorder.history();
}

const RIGHT: readonly Effect[] = Array.from({ length: 10 }, (_, index) => ({
  index,
  attempt: 1,
  key: `key-${index % 2}`,
}));

const of = (index: number): Effect => ({ index, attempt: 1, key: `key-${index % 2}` });

test("a run in which nothing went wrong", async () => {
  expect(accountOf(await added(), RIGHT)).toMatchObject({
    valid: true,
    attemptCount: 10,
    acknowledgedCount: 9,
    okCount: 10,
    recovered: [9],
    duplicates: 0,
    outOfOrder: 0,
    highestAttempt: 1,
  });
});

test("an effect that is missing is a loss, unless its job was not acknowledged", async () => {
  const history = await added();
  expect(accountOf(history, RIGHT.toSpliced(4, 1))).toMatchObject({ valid: false, lost: [4] });
  expect(accountOf(history, RIGHT.toSpliced(9, 1))).toMatchObject({ valid: true, recovered: [] });
});

test("an effect of a job that nobody added is unexpected", async () => {
  const account = accountOf(await added(), [...RIGHT, of(77)]);
  expect(account).toMatchObject({ valid: false, unexpected: [77], duplicates: 0 });
});

test("an effect that comes again is a duplicate, each time", async () => {
  const account = accountOf(await added(), [...RIGHT, of(3), of(3), of(5)]);
  expect(account).toMatchObject({ valid: true, duplicates: 3, repeated: [3, 5], outOfOrder: 0 });
});

test("two effects of a key that have changed places are out of order, of two keys they are not", async () => {
  const history = await added();
  const swapped = (one: number, other: number): Effect[] =>
    RIGHT.toSpliced(one, 1, of(other)).toSpliced(other, 1, of(one));
  expect(accountOf(history, swapped(2, 4))).toMatchObject({ valid: true, outOfOrder: 1 });
  expect(accountOf(history, swapped(2, 3))).toMatchObject({ valid: true, outOfOrder: 0 });
});

test("a heap that grows has a slope, one that goes up and down has none", () => {
  const seconds = Array.from({ length: 20 }, (_, second) => second);
  expect(slopeOf(seconds.map((second) => [second, 1_000 + 300 * second]))).toBeCloseTo(300);
  expect(Math.abs(slopeOf(seconds.map((second) => [second, 500 * (second % 2)])))).toBeLessThan(10);
  expect(slopeOf([[1, 5]])).toBe(0);
});
