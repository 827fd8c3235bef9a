import { expect, test } from "vitest";
import { readStats, statsText } from "./queue-stats.ts";

test("a queue that nobody knows is empty", () => {
  expect(readStats({ ready: "0", paused: null, oldest: null, added: null })).toEqual({
    ...{ ready: 0, delayed: 0, active: 0, held: 0, dead: 0, paused: false },
    ...{ oldestReadyMs: undefined, totals: { added: 0, ended: 0 } },
  });
});

test("figures come as texts or numbers", () => {
  const row = {
    ready: "3",
    delayed: 1,
    dead: "2",
    paused: true,
    oldest: -0.1,
    added: "9",
    ended: "4",
  };
  expect(readStats(row)).toMatchObject({
    ...{ ready: 3, delayed: 1, dead: 2, paused: true, oldestReadyMs: 0 },
    totals: { added: 9, ended: 4 },
  });
  expect(statsText('"app"')).not.toMatch(/FROM (?!"app"\.|counted|living|queue\b|clock|\()\w+\./);
});
