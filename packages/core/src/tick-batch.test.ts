import { expect, test } from "vitest";
import { TickBatch } from "./tick-batch.ts";

function setup({ groupOf = (_: number): number => 0, most = 100 } = {}) {
  const sent: (readonly number[])[] = [];
  const batch = new TickBatch<number, string>({
    groupOf,
    most,
    send: async (items) => {
      sent.push(items);
      if (items.includes(13)) throw new Error("unlucky");
      return items.map((item) => `reply ${item}`);
    },
  });
  return { batch, sent };
}

test("what is asked for in one moment is sent together, across promises too", async () => {
  const { batch, sent } = setup();
  const later = async (item: number) => {
    await null;
    await null;
    return batch.one(item);
  };
  expect(await Promise.all([batch.one(1), later(2), batch.all([3, 4])])).toEqual([
    "reply 1",
    "reply 2",
    ["reply 3", "reply 4"],
  ]);
  expect(sent.map((items) => [...items].sort())).toEqual([[1, 2, 3, 4]]);
});

test("the next moment sends anew", async () => {
  const { batch, sent } = setup();
  expect(await batch.all([1])).toEqual(["reply 1"]);
  expect(await batch.one(2)).toBe("reply 2");
  expect(sent).toEqual([[1], [2]]);
});

test("groups travel apart, and one that fails does not fail the others", async () => {
  const { batch, sent } = setup({ groupOf: (item) => item % 2 });
  const outcomes = await Promise.allSettled([1, 2, 13, 4].map((item) => batch.one(item)));
  expect(sent).toEqual([
    [1, 13],
    [2, 4],
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual([
    "rejected",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  await expect(batch.all([2, 13])).rejects.toThrow("unlucky");
});

test("no more than the most go together, and replies find their way back", async () => {
  const { batch, sent } = setup({ most: 3 });
  const items = Array.from({ length: 8 }, (_, at) => at);
  expect(await batch.all(items)).toEqual(items.map((item) => `reply ${item}`));
  expect(sent.map((each) => each.length)).toEqual([3, 3, 2]);
});
