/** The queue on PostgreSQL: what is its own, beside the conformance suite. */

import { startPostgres, useServers } from "@headroom/harness";
import { afterEach, describe, expect, test } from "vitest";
import { DONE, idsOf, newJob, Rig, settingsOf } from "./queue-postgres-rig.ts";

const postgres = useServers(() => startPostgres());
const rig = new Rig(() => postgres());
afterEach(() => rig.close());

describe("jobs without a key", () => {
  test("are added, claimed, done, and gone", async () => {
    const { driver, pool } = await rig.open();
    const queue = settingsOf("photos");
    expect(
      await driver.enqueue(queue, [newJob("a", { headers: { trace: "1" } }), newJob("b")]),
    ).toEqual([
      { outcome: "added", id: "a" },
      { outcome: "added", id: "b" },
    ]);
    const { jobs, nextMs } = await driver.claim(queue, { limit: 10, leaseMs: 10_000 });
    expect(idsOf(jobs)).toEqual(["a", "b"]);
    expect(jobs[0]).toMatchObject({
      attempt: 1,
      maxAttempts: 3,
      headers: { trace: "1" },
      body: '{"id":"a"}',
    });
    expect(nextMs).toBeUndefined();
    const settled = await driver.settle(
      queue,
      jobs.map((job) => ({ job, verdict: DONE })),
      { claim: { limit: 5, leaseMs: 1_000 } },
    );
    expect(settled).toEqual({
      outcomes: ["settled", "settled"],
      claim: { jobs: [], nextMs: undefined },
    });
    expect(
      await driver.settle(
        queue,
        jobs.map((job) => ({ job, verdict: DONE })),
      ),
    ).toMatchObject({
      outcomes: ["lost", "lost"],
    });
    expect(await driver.stats(queue)).toMatchObject({
      ready: 0,
      active: 0,
      totals: { added: 2, ended: 2 },
    });
    await driver.sweep(queue);
    expect(await driver.stats(queue)).toMatchObject({ totals: { added: 2, ended: 2 } });
    expect((await pool.query("SELECT * FROM headroom_queue.tally")).rows).toEqual([]);
  });

  test("an id that is there although it was said to be new fails nobody beside it", async () => {
    const { driver } = await rig.open();
    const queue = settingsOf("photos");
    await driver.enqueue(queue, [newJob("a")]);
    const [again, beside] = await Promise.all([
      driver.enqueue(queue, [newJob("a")]),
      driver.enqueue(queue, [newJob("b")]),
    ]);
    expect(again).toEqual([{ outcome: "duplicate", id: "a" }]);
    expect(beside).toEqual([{ outcome: "added", id: "b" }]);
  });

  test("all verdicts, priorities and delays", async () => {
    const { driver } = await rig.open();
    const queue = settingsOf("photos", {
      retention: { done: { ms: 60_000, count: 10 }, dead: { ms: 60_000, count: 10 } },
    });
    await driver.enqueue(queue, [
      newJob("low"),
      newJob("high", { priority: 5 }),
      newJob("later", { delayMs: 60_000 }),
    ]);
    const { jobs, nextMs } = await driver.claim(queue, { limit: 10, leaseMs: 10_000 });
    expect(idsOf(jobs)).toEqual(["high", "low"]);
    expect(nextMs).toBeGreaterThan(0);
    expect(nextMs).toBeLessThanOrEqual(60_000);
    const [high, low] = jobs;
    if (!high || !low) throw new Error();
    const failure = { name: "Error", message: "it" };
    expect(
      await driver.settle(queue, [
        { job: high, verdict: { kind: "dead", reason: "unrecoverable", failure } },
        { job: low, verdict: { kind: "retry", delayMs: 0, failure } },
      ]),
    ).toMatchObject({ outcomes: ["settled", "settled"] });
    expect(await driver.admin.find(queue, "high")).toMatchObject({
      state: "dead",
      reason: "unrecoverable",
      history: [{ ...failure, attempt: 1 }],
    });
    const again = await driver.claim(queue, { limit: 10, leaseMs: 10_000 });
    expect(again.jobs).toMatchObject([{ id: "low", attempt: 2 }]);
    const [second] = again.jobs;
    if (!second) throw new Error();
    await driver.settle(queue, [{ job: second, verdict: { kind: "release", delayMs: 0 } }]);
    const third = await driver.claim(queue, { limit: 1, leaseMs: 10_000 });
    expect(third.jobs).toMatchObject([{ id: "low", attempt: 2 }]);
    await driver.settle(queue, [
      { job: third.jobs[0] ?? second, verdict: { kind: "done", result: "7" } },
    ]);
    expect(await driver.admin.find(queue, "low")).toMatchObject({ state: "done", result: "7" });
    expect(await driver.admin.redrive(queue, { limit: 10 })).toBe(1);
    expect(await driver.admin.find(queue, "high")).toMatchObject({ state: "ready", attempts: 0 });
    expect(await driver.admin.cancel(queue, "high")).toBe(true);
    expect(await driver.admin.find(queue, "high")).toMatchObject({ state: "cancelled" });
    expect((await driver.admin.list(queue, "done", { limit: 5 })).jobs).toMatchObject([
      { id: "low" },
    ]);
    expect(await driver.admin.purge(queue, ["delayed", "done"])).toBe(2);
  });

  test("leases expire, are extended, and cancelled", async () => {
    const { driver } = await rig.open();
    const queue = settingsOf("photos");
    await driver.enqueue(queue, [newJob("a", { maxAttempts: 1 }), newJob("b"), newJob("c")]);
    const { jobs } = await driver.claim(queue, { limit: 10, leaseMs: 50 });
    const [a, b, c] = jobs;
    if (!a || !b || !c) throw new Error();
    expect(await driver.extend(queue, [c, { id: "b", token: "b:1:other" }], 60_000)).toEqual([
      "extended",
      "lost",
    ]);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await driver.sweep(queue)).toEqual({
      recovered: 1,
      dead: [{ id: "a", name: "work", attempts: 1, parent: undefined }],
    });
    expect(await driver.admin.progress(queue, c, "1")).toBe(true);
    expect(await driver.admin.cancel(queue, "c")).toBe(true);
    expect(await driver.extend(queue, [b, c], 1_000)).toEqual(["lost", "cancelled"]);
  });
});

describe("jobs with a key", () => {
  test("run one at a time, in order, and others have their turn", async () => {
    const { driver } = await rig.open();
    const queue = settingsOf("photos");
    await driver.enqueue(
      queue,
      ["a1", "a2", "a3", "b1", "b2"].map((id) => newJob(id, { key: id.slice(0, 1) })),
    );
    const first = await driver.claim(queue, { limit: 10, leaseMs: 10_000 });
    expect(idsOf(first.jobs)).toEqual(["a1", "b1"]);
    const [a1] = first.jobs;
    if (!a1) throw new Error();
    const failure = { name: "Error", message: "it" };
    const retried = await driver.settle(
      queue,
      [{ job: a1, verdict: { kind: "retry", delayMs: 30, failure } }],
      { claim: { limit: 10, leaseMs: 10_000 } },
    );
    expect(retried.claim?.jobs).toEqual([]);
    expect(retried.claim?.nextMs).toBeLessThanOrEqual(30);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(idsOf((await driver.claim(queue, { limit: 10, leaseMs: 10_000 })).jobs)).toEqual(["a1"]);
  });

  test("hammer: no two of a key at a time, none out of order, none lost", async () => {
    const { driver, pool } = await rig.open();
    const queue = settingsOf("photos");
    const KEYS = 7;
    const JOBS = 300;
    const drivers = [
      driver,
      rig.driver(pool, { migrate: false }),
      rig.driver(pool, { migrate: false }),
    ];
    const flying = new Map<string, string>();
    const lastOfKey = new Map<string, number>();
    const seen = new Set<string>();
    await driver.migrate();
    const produce = async (part: number): Promise<void> => {
      for (let n = 0; n < JOBS; n++) {
        const key = `key${part}-${n % KEYS}`;
        await driver.enqueue(queue, [newJob(`${part}-${n}`, { key, body: String(n) })]);
      }
    };
    const work = async (index: number): Promise<void> => {
      const mine = drivers[index % drivers.length] ?? driver;
      let jobs = (await mine.claim(queue, { limit: 5, leaseMs: 30_000 })).jobs;
      while (seen.size < 2 * JOBS) {
        for (const { key = "", id, body } of jobs) {
          expect(flying.get(key)).toBeUndefined();
          expect(Number(body)).toBeGreaterThan(lastOfKey.get(key) ?? -1);
          expect(seen.has(id)).toBe(false);
          flying.set(key, id);
          lastOfKey.set(key, Number(body));
        }
        await new Promise((resolve) => setTimeout(resolve, jobs.length === 0 ? 5 : 1));
        for (const { key = "", id } of jobs) {
          flying.delete(key);
          seen.add(id);
        }
        const settled = await mine.settle(
          queue,
          jobs.map((job) => ({ job, verdict: DONE })),
          {
            claim: { limit: 5, leaseMs: 30_000 },
          },
        );
        expect(settled.outcomes.every((outcome) => outcome === "settled")).toBe(true);
        jobs = settled.claim?.jobs ?? [];
      }
    };
    await Promise.all([
      produce(0),
      produce(1),
      ...Array.from({ length: 6 }, (_, index) => work(index)),
    ]);
    expect(await driver.stats(queue)).toMatchObject({ ready: 0, active: 0, delayed: 0 });
  });
});
