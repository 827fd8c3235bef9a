import { expect, test } from "vitest";
import { newJob } from "../conformance/conformance-bench.ts";
import type { QueueSettings } from "../driver.ts";
import { postgresFlows } from "./postgres-flows.ts";
import type { Row } from "./statements.ts";

const PHOTOS: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
};
const CHILD = { queue: "crop", id: "c" };

function flows(...answers: Row[][]) {
  const told: unknown[] = [];
  const powers = postgresFlows({
    schema: '"app"',
    run: async () => answers.shift() ?? [],
    tell: (kind, _queue, ids) => told.push(ids === undefined ? kind : [kind, ...ids]),
  });
  return { told, powers };
}

test("a parent is added, is there already, or finds no room", async () => {
  const { powers, told } = flows(
    [{ outcome: null, id: null, free: false }],
    [{ outcome: null, id: null, free: true }],
    [{ outcome: "duplicate", id: "other" }],
    [{ outcome: "full", id: null }],
  );
  const hold = () => powers.hold(PHOTOS, newJob({ id: "p" }), [CHILD], { childDead: "fail" });
  expect(await hold()).toEqual({ outcome: "added", id: "p" });
  expect(told).toEqual([]);
  expect(await hold()).toEqual({ outcome: "added", id: "p" });
  expect(told).toEqual(["ready"]);
  expect(await hold()).toEqual({ outcome: "duplicate", id: "other" });
  expect(await hold()).toEqual({ outcome: "full" });
});

test("the last report tells of a job, a dead child perhaps of an end", async () => {
  const { powers, told } = flows([{ free: true }], [{ free: false }], [{ free: false }]);
  await powers.report(PHOTOS, "p", CHILD, { kind: "done", result: "1" });
  await powers.report(PHOTOS, "p", CHILD, { kind: "done", result: undefined });
  await powers.report(PHOTOS, "p", CHILD, { kind: "dead", reason: "timeout" });
  expect(told).toEqual(["ready", ["ended", "p"]]);
});

test("children say what has become of them", async () => {
  const { powers } = flows([
    { queue: "crop", id: "a", kind: null },
    { queue: "crop", id: "b", kind: "done", result: "1" },
    { queue: "crop", id: "c", kind: "dead", reason: "timeout" },
  ]);
  expect((await powers.children(PHOTOS, "p")).map(({ outcome }) => outcome)).toEqual([
    undefined,
    { kind: "done", result: "1" },
    { kind: "dead", reason: "timeout" },
  ]);
});
