import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { ClaimedJob, LeaseState, QueueDriver } from "../driver.ts";
import { Attempt } from "./attempt.ts";
import { Heartbeat, type HeartbeatParts } from "./heartbeat.ts";

const LEASE_MS = 15_000;

function setup(extend: (ids: readonly string[]) => Promise<readonly LeaseState[]>, able = true) {
  const clock = createManualClock();
  const held: Attempt[] = [];
  const lost: string[] = [];
  const asked: string[] = [];
  const heartbeat = new Heartbeat({
    driver: {
      capabilities: { extend: able } as QueueDriver["capabilities"],
      extend: (_, leases) => {
        const ids = leases.map(({ id }) => id);
        asked.push(`${clock.monotonicNow()}: ${ids.join(" ")}`);
        return extend(ids);
      },
    },
    settings: { name: "q" } as HeartbeatParts["settings"],
    leaseMs: LEASE_MS,
    clock,
    held: () => [...held],
    lost: (attempt, state) => {
      held.splice(held.indexOf(attempt), 1);
      lost.push(`${clock.monotonicNow()}: ${attempt.job.id} ${state}`);
    },
    extended: () => {},
    failed: () => {},
  });
  const hold = (id: string): Attempt => {
    const job = { id, token: `${id}:1:x` } as ClaimedJob;
    const attempt = new Attempt(job, clock.monotonicNow() + LEASE_MS);
    held.push(attempt);
    heartbeat.start();
    return attempt;
  };
  return { clock, held, lost, asked, heartbeat, hold };
}

const all = async (ids: readonly string[]): Promise<LeaseState[]> => ids.map(() => "extended");

test("all that are held are extended together, those that are fresh are not", async () => {
  const { clock, asked, hold, held } = setup(all);
  hold("a");
  await clock.advance(4_900);
  hold("b");
  await clock.advance(5_100);
  expect(asked).toEqual(["5000: a", "10000: a b"]);
  held.length = 0;
  await clock.advance(60_000);
  expect(asked).toHaveLength(2);
  expect(clock.pending).toBe(0);
});

test("what the server says is lost or cancelled is told", async () => {
  const states: Record<string, LeaseState> = { a: "lost", b: "cancelled", c: "extended" };
  const { clock, lost, hold } = setup(async (ids) => ids.map((id) => states[id] ?? "lost"));
  for (const id of ["a", "b", "c"]) hold(id);
  await clock.advance(5_000);
  expect(lost).toEqual(["5000: a lost", "5000: b cancelled"]);
});

test("who cannot extend asks often, and gives up when the lease is over by our clock", async () => {
  const { clock, lost, asked, hold } = setup(() => Promise.reject(new Error("down")));
  hold("a");
  await clock.advance(14_999);
  expect(lost).toEqual([]);
  expect(asked.length).toBeGreaterThan(5);
  await clock.advance(1);
  expect(lost).toEqual(["15000: a lost"]);
});

test("an answer that never comes does not keep a job beyond its lease", async () => {
  const { clock, lost, asked, hold } = setup(() => new Promise(() => {}));
  hold("a");
  await clock.advance(20_000);
  expect([lost, asked.length]).toEqual([["15000: a lost"], 1]);
});

test("what has ended meanwhile, or is completed in a transaction, is not lost", async () => {
  let answer = (): void => {};
  const { clock, lost, hold } = setup(
    (ids) =>
      new Promise((resolve) => {
        answer = () => resolve(ids.map(() => "lost"));
      }),
  );
  const [ended, completed] = [hold("a"), hold("b")];
  await clock.advance(5_000);
  ended.stage = "over";
  completed.completedInTx = true;
  answer();
  await clock.advance(1);
  expect(lost).toEqual([]);
});

test("closed, or with leases that end with their connection, it does nothing", async () => {
  const bound = setup(all, false);
  bound.hold("a");
  expect(bound.clock.pending).toBe(0);
  const closed = setup(all);
  closed.hold("a");
  closed.heartbeat.close();
  closed.heartbeat.start();
  expect(closed.clock.pending).toBe(0);
});
