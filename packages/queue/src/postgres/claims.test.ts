import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { QueueSettings } from "../driver.ts";
import { Claims, FORWARDING } from "./claims.ts";

const PHOTOS: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: {
    concurrency: 3,
    rate: { jobs: 2, perMs: 100 },
    perKeyConcurrency: 1,
    perKeyRate: { jobs: 4, perMs: 100 },
  },
  retention: { done: undefined, dead: { ms: 1_000, count: 10 } },
};

const REQUEST = { limit: 2, leaseMs: 5_000 };
const NEXT = { id: null, next: 12.5 };

function row(id: string, turn: string, more: object = {}): Record<string, unknown> {
  return {
    id,
    turn,
    attempt: 1,
    priority: 0,
    key: null,
    headers: null,
    parentqueue: null,
    ...more,
  };
}

test("parameters are numbered from where they stand", () => {
  const claims = new Claims('"app"', createManualClock());
  const { text, values } = claims.prepare(PHOTOS, REQUEST, 9, { after: "s.watched" });
  expect(text).toMatch(/^"app"\.claim\(\$9::text, \$10::int, .*, \$20::boolean, s\.watched\)$/);
  expect(values).toHaveLength(12);
  expect(values.slice(6)).toEqual([3, 2, 100, 1, 25, true]);
});

test("jobs come by priority and turn, with the next time from the last row", () => {
  const claims = new Claims('"app"', createManualClock());
  const { read } = claims.prepare(PHOTOS, REQUEST, 1);
  const { jobs, nextMs } = read([
    row("c", "10"),
    row("b", "9"),
    row("a", "99", { priority: 1 }),
    NEXT,
  ]);
  expect(jobs.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  expect(new Set(jobs.map(({ token }) => token.split(":")[2])).size).toBe(1);
  expect(nextMs).toBe(12.5);
  expect(read([{ id: null, next: null }])).toEqual({ jobs: [], nextMs: undefined });
});

test("a claim begins where the last one began, and at the start from time to time", async () => {
  const clock = createManualClock();
  const claims = new Claims('"app"', clock);
  const prepare = () => claims.prepare(PHOTOS, REQUEST, 1);
  const first = prepare();
  expect(first.values.slice(4, 6), "the first looks at all").toEqual(["0", true]);
  first.read([row("a", "7"), row("b", "8"), NEXT]);
  const second = prepare();
  expect(second.values.slice(4, 6)).toEqual(["7", false]);
  second.read([row("c", "9"), NEXT]);
  expect(prepare().values.slice(4, 6), "too few were found").toEqual(["0", false]);
  await clock.advance(500);
  expect(prepare().values.slice(4, 6)).toEqual(["0", true]);
});

test("no two claims give the same lease, and those that forward are marked", () => {
  const claims = new Claims('"app"', createManualClock());
  const lease = (forward: boolean) =>
    String(claims.prepare(PHOTOS, REQUEST, 1, { forward }).values[3]);
  expect(lease(false)).not.toBe(lease(false));
  expect(lease(false).startsWith(FORWARDING)).toBe(false);
  expect(lease(true).startsWith(FORWARDING)).toBe(true);
});
