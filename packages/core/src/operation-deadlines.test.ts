import fc from "fast-check";
import { expect, test } from "vitest";
import { OperationDeadlines } from "./operation-deadlines.ts";
import { createManualClock } from "./testing.ts";

const late = new Error("late");
const forever = new Promise<never>(() => {});

function setup(timeoutMs = 50) {
  const clock = createManualClock();
  const deadlines = new OperationDeadlines(timeoutMs, clock, () => late);
  const begin = (work: Promise<unknown>) => {
    const watch: { outcome?: unknown; atMs?: number } = {};
    const note = (outcome: unknown) => {
      watch.outcome = outcome;
      watch.atMs = clock.monotonicNow();
    };
    deadlines.limit(work, (error) => error).then(note, note);
    return watch;
  };
  return { clock, begin };
}

test("an operation that never settles fails when its time is over", async () => {
  const { clock, begin } = setup();
  const operation = begin(forever);
  await clock.advance(49);
  expect(operation.outcome).toBeUndefined();
  await clock.advance(1);
  expect(operation).toEqual({ outcome: late, atMs: 50 });
  expect(clock.pending).toBe(0);
});

test("a result or an error in time is the operation's own, and leaves nothing that waits", async () => {
  const { clock, begin } = setup();
  const failed = new Error("failed");
  const operations = [begin(clock.sleep(20)), begin(Promise.reject(failed))];
  await clock.advance(20);
  expect(operations).toEqual([
    { outcome: undefined, atMs: 20 },
    { outcome: failed, atMs: 0 },
  ]);
  await clock.advance(30);
  expect(clock.pending).toBe(0);
});

test("whoever asked for it is told a late result, once, and no other", async () => {
  const clock = createManualClock();
  const deadlines = new OperationDeadlines(50, clock, () => late);
  const told: unknown[] = [];
  const begin = (work: Promise<unknown>) =>
    deadlines.limit(
      work,
      (error) => error,
      (result) => told.push(result),
    );
  const outcomes = Promise.allSettled([
    begin(clock.sleep(20).then(() => "in time")),
    begin(clock.sleep(60).then(() => "late")),
    begin(clock.sleep(60).then(() => Promise.reject(new Error("late error")))),
  ]);
  await clock.advance(100);
  expect((await outcomes).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "rejected",
  ]);
  expect(told).toEqual(["late"]);
});

test("a late result and a late error are dropped in silence", async () => {
  const { clock, begin } = setup();
  const result = begin(clock.sleep(60).then(() => "late result"));
  const error = begin(clock.sleep(60).then(() => Promise.reject(new Error("late error"))));
  await clock.advance(100);
  expect([result.outcome, error.outcome]).toEqual([late, late]);
});

test("many operations have one timer between them", async () => {
  const { clock, begin } = setup();
  const operations = Array.from({ length: 100 }, () => begin(forever));
  expect(clock.pending).toBe(1);
  await clock.advance(50);
  expect(operations.every(({ outcome }) => outcome === late)).toBe(true);
});

test("whatever begins and ends when, each settles at its own end or at its deadline", async () => {
  const operation = fc.record({ afterMs: fc.nat(40), takesMs: fc.nat(120) });
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 20 }), async (operations) => {
      const { clock, begin } = setup();
      const watches = [];
      let beganMs = 0;
      for (const { afterMs, takesMs } of operations) {
        await clock.advance(afterMs);
        beganMs += afterMs;
        const watch = begin(takesMs === 0 ? Promise.resolve() : clock.sleep(takesMs));
        watches.push({ watch, atMs: beganMs + Math.min(takesMs, 50), takesMs });
      }
      await clock.advance(200);
      for (const { watch, atMs, takesMs } of watches) {
        expect(watch.atMs).toBe(atMs);
        if (takesMs !== 50) expect(watch.outcome).toBe(takesMs > 50 ? late : undefined);
      }
      expect(clock.pending).toBe(0);
    }),
  );
});

test("a reply that was there before the process came to its timers is no timeout", async () => {
  const { clock, begin } = setup();
  let arrive: (reply: string) => void = () => {};
  const operation = begin(
    new Promise<string>((resolve) => {
      arrive = resolve;
    }),
  );
  // The timer of the deadline is first; then the loop reads the sockets.
  clock.timer(() => arrive("reply"), 50);
  await clock.advance(50);
  expect(operation.outcome).toBe("reply");
});
