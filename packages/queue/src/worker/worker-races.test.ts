import { createManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { defineQueue } from "../definition.ts";
import { faultyDriver } from "../faulty-driver.ts";
import type { Handler } from "../job.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { createQueues } from "../queues.ts";

/**
 * A worker whose calls arrive in any order with the ends of its handlers, the loss of its leases, a
 * cancellation and its stop. Whatever comes first, the jobs are all done or cancelled in the end, and no job is
 * in the hands of two handlers that both believe they have it.
 */

const LEASE_MS = 3_000;

test("settling, losing leases, cancelling and stopping may come in any order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.constantFrom(0, 3), async (scheduler, prefetch) => {
      const clock = createManualClock();
      const memory = memoryDriver({ clock });
      const q = defineQueue<number>({ name: "q", leaseMs: LEASE_MS, retry: { attempts: 100 } });
      const open = (driver: typeof memory) =>
        createQueues({ driver, queues: { q }, clock, closeDriver: false });
      const racing = open(
        Object.assign(
          faultyDriver(memory, (method) => scheduler.schedule(Promise.resolve("none"), method)),
          { server: memory.server, jobs: memory.jobs },
        ),
      );
      const calm = open(memory);
      const believers = new Map<string, AbortSignal[]>();
      const done = new Set<string>();
      const violations: string[] = [];
      const working =
        (work: () => Promise<unknown>): Handler<number> =>
        async ({ id }, { signal }) => {
          const here = believers.get(id) ?? [];
          believers.set(id, here);
          if (here.some((other) => !other.aborted)) violations.push(`${id} is worked on twice`);
          here.push(signal);
          await work();
          here.splice(here.indexOf(signal), 1);
          signal.throwIfAborted();
          done.add(id);
        };
      const added = await calm.q.addMany([1, 2, 3, 4, 5]);
      const [first] = added;
      const worker = racing.worker(
        { q: working(() => scheduler.schedule(Promise.resolve(), "handler")) },
        { concurrency: 2, prefetch },
      );
      const events = [
        { what: "cancel", act: () => calm.q.cancel(first?.id ?? "") },
        { what: "expire", act: () => clock.advance(LEASE_MS + 1) },
        { what: "sweep", act: () => memory.sweep(settingsOf()) },
        { what: "stop", act: () => worker.stop({ softMs: 0, hardMs: 0 }) },
      ];
      let stopped: Promise<unknown> = Promise.resolve();
      let advancing: Promise<unknown> = Promise.resolve();
      for (const { what, act } of events) {
        void scheduler.schedule(Promise.resolve(), what).then(() => {
          const acting = act();
          if (what === "stop") stopped = acting;
          if (what === "expire") advancing = acting;
        });
      }
      for (let round = 0; round < 200 && scheduler.count() > 0; round++) {
        await scheduler.waitOne();
        await new Promise((resolve) => setImmediate(resolve));
      }
      await advancing;
      const taking = calm.worker({ q: working(async () => {}) });
      for (let round = 0; round < 60; round++) {
        while (scheduler.count() > 0) await scheduler.waitOne();
        await clock.advance(500);
      }
      await stopped;
      expect(violations).toEqual([]);
      expect(memory.jobs("q")).toEqual([]);
      for (const { id } of added.slice(1)) expect(done.has(id), `${id} is lost`).toBe(true);
      await taking.stop();
      expect(worker.stats()).toMatchObject({ running: 0, waiting: 0 });
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 100 },
  );
}, 60_000);

function settingsOf() {
  return {
    name: "q",
    maxBacklog: undefined,
    limits: {
      concurrency: undefined,
      rate: undefined,
      perKeyConcurrency: 1,
      perKeyRate: undefined,
    },
    retention: { done: undefined, dead: { ms: 1e9, count: 100 } },
  };
}
