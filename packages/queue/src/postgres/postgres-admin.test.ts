import { expect, test } from "vitest";
import type { QueueSettings } from "../driver.ts";
import { postgresAdmin } from "./postgres-admin.ts";
import type { Row } from "./statements.ts";

const LIMITS = {
  concurrency: undefined,
  rate: undefined,
  perKeyConcurrency: 1,
  perKeyRate: undefined,
};
const PHOTOS: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: LIMITS,
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
};

/** Admin whose server gives these answers, one after the other. */
function admin(...answers: Row[][]) {
  const asked: unknown[][] = [];
  const told: unknown[] = [];
  const powers = postgresAdmin({
    schema: '"app"',
    run: async (_queue, _text, values) => {
      asked.push(values);
      return answers.shift() ?? [];
    },
    tell: (kind, _queue, ids) => told.push(ids === undefined ? kind : [kind, ...ids]),
  });
  return { asked, told, powers };
}

test("a purge goes on until nothing is left", async () => {
  const { powers, asked, told } = admin([{ purged: 5_000 }], [{ purged: 3 }], [{ purged: 0 }]);
  expect(await powers.purge(PHOTOS, ["ready", "dead"])).toBe(5_003);
  expect(asked).toHaveLength(3);
  expect(told).toEqual(["ready"]);
});

test("whoever is concerned is told of a cancellation, and nobody of one that was none", async () => {
  const { powers, told } = admin([{ cancelled: false }], [{ cancelled: true }]);
  expect(await powers.cancel(PHOTOS, "a")).toBe(false);
  expect(told).toEqual([]);
  expect(await powers.cancel(PHOTOS, "a")).toBe(true);
  expect(told).toEqual([["ended", "a"], ["cancelled", "a"], "ready"]);
});

test("a page has a cursor when there is another one", async () => {
  const rows = ["1", "2", "3"].map((position) => ({ position, id: position, ended: null }));
  const { powers, asked } = admin(rows, rows.slice(0, 2));
  expect(await powers.list(PHOTOS, "ready", { limit: 2 })).toMatchObject({
    jobs: [{}, {}],
    cursor: "2",
  });
  expect((await powers.list(PHOTOS, "dead", { limit: 2, cursor: "2" })).cursor).toBeUndefined();
  expect(asked.map((values) => values[2])).toEqual(["0", "2"]);
});

test("progress needs the lease, and a redrive that found nobody wakes nobody", async () => {
  const { powers, told, asked } = admin([], [{}], [{ redriven: 0 }], [{ redriven: 2 }]);
  const lease = { id: "a", token: "a:1:x" };
  expect(await powers.progress(PHOTOS, lease, "1")).toBe(false);
  expect(await powers.progress(PHOTOS, lease, "1")).toBe(true);
  expect(asked[0]).toEqual(["photos", "a", "x", "1"]);
  expect(await powers.redrive(PHOTOS, { limit: 1 })).toBe(0);
  expect(await powers.redrive(PHOTOS, { ids: ["a", "b"] })).toBe(2);
  expect(told).toEqual([["progress", "a"], "ready"]);
});
