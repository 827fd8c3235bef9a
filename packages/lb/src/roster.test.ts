import { expect, test } from "vitest";
import { Roster } from "./roster.ts";

const RULES = { decayMs: 10_000, initialMs: 1_000, window: {} };

function roster() {
  const events: string[] = [];
  const all = new Roster<string>(RULES, {
    joined: ({ id }) => events.push(`joined ${id}`),
    left: ({ id }) => events.push(`left ${id}`),
    released: ({ id }) => events.push(`released ${id}`),
  });
  return { all, events };
}

const list = (...ids: string[]) => ids.map((id) => ({ id, target: id.toUpperCase() }));

test("a refresh keeps who stays, as the same endpoint with all that is known about it", () => {
  const { all, events } = roster();
  all.refresh(list("a", "b"), 0);
  const kept = all.require("b");
  kept.answeredIn(7, 0);
  kept.inFlight = 3;
  all.refresh([{ id: "b", target: "other", weight: 5, zone: "north" }, ...list("c")], 10);
  expect(all.require("b")).toBe(kept);
  expect(kept).toMatchObject({ target: "B", weight: 5, zone: "north", inFlight: 3 });
  expect(kept.latency.estimateAt(0)).toBe(7);
  expect([...all].map(({ id }) => id)).toEqual(["b", "c"]);
  expect(events).toEqual(["joined a", "joined b", "left a", "released a", "joined c"]);
});

test("who leaves is released with its last request, not before", () => {
  const { all, events } = roster();
  all.add({ id: "a", target: "A" }, 0);
  const endpoint = all.require("a");
  endpoint.inFlight = 2;
  all.remove("a");
  endpoint.inFlight = 1;
  all.settle(endpoint);
  expect(events).toEqual(["joined a", "left a"]);
  endpoint.inFlight = 0;
  all.settle(endpoint);
  expect(events).toEqual(["joined a", "left a", "released a"]);
});

test("a refresh leaves alone what was added by hand", () => {
  const { all } = roster();
  all.add({ id: "mine", target: "M", weight: 2 }, 0);
  all.refresh([{ id: "mine", target: "other", weight: 9 }, ...list("a")], 0);
  all.refresh(list("b"), 0);
  expect([...all].map(({ id, weight }) => [id, weight])).toEqual([
    ["mine", 2],
    ["b", 1],
  ]);
});

test("a target that comes back under its id is another endpoint", () => {
  const { all } = roster();
  all.refresh(list("a"), 0);
  const before = all.require("a");
  all.refresh([], 0);
  all.refresh(list("a"), 0);
  expect(all.require("a")).not.toBe(before);
  expect(before.hasLeft).toBe(true);
});

test("levels are the same arrays for as long as nobody came or went", () => {
  const { all } = roster();
  all.refresh([...list("b", "a"), { id: "backup", target: "X", priority: 1 }], 0);
  const { levels } = all;
  expect([...levels].map(([priority, members]) => [priority, members.map(({ id }) => id)])).toEqual(
    [
      [0, ["a", "b"]],
      [1, ["backup"]],
    ],
  );
  expect(all.levels).toBe(levels);
  all.refresh([...list("b", "a"), { id: "backup", target: "X", priority: 1 }], 0);
  expect(all.levels, "a refresh that changes nothing").toBe(levels);
  all.refresh([...list("b", "a"), { id: "backup", target: "X", priority: 1, weight: 2 }], 0);
  expect(all.levels, "another weight").not.toBe(levels);
  all.require("a").health = { status: "draining" };
  all.presenceChanged();
  expect(all.levels.get(0)?.map(({ id }) => id)).toEqual(["b"]);
});

test.each([
  [() => ({ id: "a", target: "again" }), /id "a" is there already/],
  [() => ({ id: "", target: "A" }), /id/],
  [() => ({ id: "b", target: "B", weight: 0 }), /weight/],
] as const)("refuses a bad target", (options, message) => {
  const { all } = roster();
  all.add({ id: "a", target: "A" }, 0);
  expect(() => all.add(options(), 0)).toThrow(message);
  expect(all.size).toBe(1);
});

test("names who is not there", () => {
  const { all } = roster();
  expect(() => all.remove("ghost")).toThrow(new RangeError('there is no target with id "ghost"'));
});
