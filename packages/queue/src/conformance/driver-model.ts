/**
 * A driver beside the reference: whatever is done to both, both answer the same.
 *
 * The two get the same operations, and every answer, the figures after each step, and at the end every
 * job are compared. Of the choices that a driver has, *which* of the claimable jobs a claim takes is
 * the one that matters: so the reference claims all that can be claimed, which are those whose lease
 * is nobody's, whose key is free and who are the first of it; what the driver has taken must be among
 * them, as many as were asked for; and the reference puts the rest back. That says in one comparison
 * that no job has two leases, that keys keep their order, and that nothing is lost or held back.
 *
 * The contract leaves open what has a priority within a key, when a delayed job joins its key, and
 * where a redriven one does: no run does these. Time passes when the tester can tell it to; else
 * leases and delays outlast the run.
 */

import assert from "node:assert/strict";
import { createManualClock } from "@headroom/core/testing";
import type { ClaimedJob, NewJob, QueueDriver, QueueSettings, Verdict } from "../driver.ts";
import type { ChildOutcome, JobRecord } from "../driver-powers.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { FAILURE, ids, newJob, sorted } from "./conformance-bench.ts";
import {
  MODEL_LEASE_MS,
  type ModelJob,
  type ModelScript,
  type ModelStep,
  modelSteps,
} from "./model-script.ts";

export type { ModelScript } from "./model-script.ts";

export interface QueueModelOptions {
  /** A name that no other run has used. */
  readonly queue: string;
  /** Lets so much time pass for the driver; without it none passes. */
  readonly advance?: ((ms: number) => Promise<void>) | undefined;
  /** Limits of the queue. A rate is none that can be compared. */
  readonly concurrency?: number | undefined;
  readonly maxBacklog?: number | undefined;
}

/** A job's lease at both. */
interface Leased {
  readonly ours: ClaimedJob;
  readonly theirs: ClaimedJob;
}

const ALL = 10_000;
const DAY_MS = 86_400_000;

/** @throws AssertionError with the steps so far, when the driver does not do as the reference. */
export async function runQueueModel(
  driver: QueueDriver,
  script: ModelScript,
  options: QueueModelOptions,
): Promise<void> {
  const scope = { caps: driver.capabilities, timed: options.advance !== undefined };
  const run = new ModelRun(driver, options);
  const done: string[] = [];
  for (const step of modelSteps(script, scope)) {
    done.push(JSON.stringify(step));
    try {
      await run.step(step);
      await run.compareStats();
    } catch (error) {
      throw withSteps(error, done);
    }
  }
  try {
    await run.finish();
  } catch (error) {
    throw withSteps(error, [...done, "the end"]);
  }
}

function withSteps(error: unknown, steps: readonly string[]): unknown {
  if (error instanceof Error) error.message += `\nafter\n  ${steps.join("\n  ")}`;
  return error;
}

class ModelRun {
  readonly #driver: QueueDriver;
  readonly #clock = createManualClock();
  readonly #reference: QueueDriver;
  readonly #queue: QueueSettings;
  readonly #advance: QueueModelOptions["advance"];
  readonly #leaseMs: number;
  /** Every job that was tried to add, by id. */
  readonly #jobs = new Map<string, NewJob>();
  readonly #parents: string[] = [];
  readonly #endedOddly = new Set<string>();
  #live: Leased[] = [];
  #stale: Leased[] = [];

  constructor(driver: QueueDriver, { queue, advance, concurrency, maxBacklog }: QueueModelOptions) {
    const { capabilities: caps } = driver;
    this.#driver = driver;
    this.#reference = memoryDriver({ clock: this.#clock, like: caps });
    this.#advance = advance;
    this.#leaseMs = advance === undefined ? DAY_MS : MODEL_LEASE_MS;
    const keep = { ms: DAY_MS, count: ALL };
    this.#queue = {
      name: queue,
      maxBacklog: caps.maxBacklog ? maxBacklog : undefined,
      limits: {
        concurrency: caps.limits ? concurrency : undefined,
        rate: undefined,
        perKeyConcurrency: 1,
        perKeyRate: undefined,
      },
      retention: { done: caps.results ? keep : undefined, dead: keep },
    };
  }

  async step(step: ModelStep): Promise<void> {
    switch (step.kind) {
      case "enqueue":
        return this.#enqueue(step);
      case "claim":
        return this.#claim(step.limit);
      case "settle":
        return this.#settle(step);
      case "extend":
        return this.#extend(step);
      case "hold":
        return this.#hold(step);
      case "report":
        return this.#report(step);
      case "advance":
        return this.#pass(step.ms);
      case "sweep":
        return this.#sweep();
      case "cancel": {
        const id = [...this.#jobs.keys()][step.pick % Math.max(1, this.#jobs.size)];
        if (id === undefined) return;
        await this.#both("cancel", (of) => of.admin?.cancel(this.#queue, id));
        this.#endedOddly.add(id);
        return;
      }
      case "pause":
        await this.#both("pause", ({ admin }) =>
          step.paused ? admin?.pause(this.#queue) : admin?.resume(this.#queue),
        );
        return;
      case "redrive":
        return this.#redrive();
      case "purge":
        await this.#both("purge", ({ admin }) => admin?.purge(this.#queue, step.states));
        return;
    }
  }

  async #enqueue({ jobs, pick }: Extract<ModelStep, { kind: "enqueue" }>): Promise<void> {
    const made = jobs.map((job) => this.#jobOf(job, pick));
    await this.#both("enqueue", (of) => of.enqueue(this.#queue, made));
    for (const job of made) if (!this.#jobs.has(job.id)) this.#jobs.set(job.id, job);
  }

  #jobOf({ again, ...job }: ModelJob, pick: number): NewJob {
    const known = [...this.#jobs.values()];
    const old = known[pick % Math.max(1, known.length)];
    // Whether what was cancelled is kept is left open, and so is its id.
    const repeated = again && old !== undefined && !this.#endedOddly.has(old.id) ? old : undefined;
    return repeated === undefined ? newJob(job) : { ...repeated, mayExist: true };
  }

  async #claim(limit: number): Promise<void> {
    const claim = await this.#driver.claim(this.#queue, { limit, leaseMs: this.#leaseMs });
    await this.#claimed(claim.jobs, limit);
  }

  /** The reference follows what the driver has claimed. */
  async #claimed(jobs: readonly ClaimedJob[], limit: number): Promise<void> {
    const { concurrency = ALL, ...limits } = this.#queue.limits;
    const unlimited = { ...this.#queue, limits: { ...limits, concurrency: undefined } };
    const request = { limit: ALL, leaseMs: this.#leaseMs };
    const { jobs: claimable } = await this.#reference.claim(unlimited, request);
    const { active } = await this.#reference.stats(this.#queue);
    const slots = Math.max(0, concurrency - (active - claimable.length));
    const due = Math.min(limit, slots, claimable.length);
    assert.equal(jobs.length, due, `of ${sorted(ids(claimable))} so many are claimed`);
    assert.equal(new Set(ids(jobs)).size, due, "each once");
    for (const job of jobs) {
      const theirs = claimable.find(({ id }) => id === job.id);
      assert.ok(theirs, `${job.id} is claimed, and claimable are ${sorted(ids(claimable))}`);
      assert.deepEqual(comparable(job), comparable(theirs));
      this.#live.push({ ours: job, theirs });
    }
    const taken = new Set(ids(jobs));
    const rest = claimable.filter(({ id }) => !taken.has(id));
    await this.#reference.settle(
      this.#queue,
      rest.map((job) => ({ job, verdict: { kind: "release", delayMs: 0 } })),
    );
  }

  async #settle(step: Extract<ModelStep, { kind: "settle" }>): Promise<void> {
    const leases = step.stale ? this.#stale : this.#live;
    const from = step.pick % Math.max(1, leases.length);
    const chosen = leases.slice(from, from + step.count);
    const verdicts = chosen.map((lease, at) => verdictOf(step, at, lease, this.#driver));
    const settlements = (side: keyof Leased) =>
      chosen.map((lease, at) => ({ job: lease[side], verdict: verdicts[at] ?? RELEASED }));
    const claim =
      step.claim === undefined ? undefined : { limit: step.claim, leaseMs: this.#leaseMs };
    const ours = await this.#driver.settle(this.#queue, settlements("ours"), { claim });
    const theirs = await this.#reference.settle(this.#queue, settlements("theirs"));
    assert.deepEqual(ours.outcomes, theirs.outcomes, "settle");
    this.#live = this.#live.filter((lease) => !chosen.includes(lease));
    this.#stale = [...this.#stale.filter((lease) => !chosen.includes(lease)), ...chosen];
    if (step.claim !== undefined) await this.#claimed(ours.claim?.jobs ?? [], step.claim);
  }

  async #extend({ pick, stale }: Extract<ModelStep, { kind: "extend" }>): Promise<void> {
    // Of a cancelled job's lease, "cancelled" is told as long as it would have lasted: compared when live.
    const leases = (stale ? this.#stale : this.#live).filter(
      ({ ours }) => !stale || !this.#endedOddly.has(ours.id),
    );
    const chosen = leases.slice(pick % Math.max(1, leases.length)).slice(0, 3);
    assert.deepEqual(
      await this.#driver.extend(
        this.#queue,
        chosen.map(({ ours }) => ours),
        this.#leaseMs,
      ),
      await this.#reference.extend(
        this.#queue,
        chosen.map(({ theirs }) => theirs),
        this.#leaseMs,
      ),
      "extend",
    );
  }

  async #hold({ children, childDead }: Extract<ModelStep, { kind: "hold" }>): Promise<void> {
    const parent = newJob();
    const refs = Array.from({ length: children }, (_, at) => childOf(at));
    await this.#both("hold", ({ flows }) => flows?.hold(this.#queue, parent, refs, { childDead }));
    this.#jobs.set(parent.id, parent);
    this.#parents.push(parent.id);
  }

  async #report({ pick, child, dead }: Extract<ModelStep, { kind: "report" }>): Promise<void> {
    const id = this.#parents[pick % Math.max(1, this.#parents.length)];
    if (id === undefined) return;
    const outcome: ChildOutcome = dead
      ? { kind: "dead", reason: "unrecoverable" }
      : { kind: "done", result: String(pick) };
    await this.#both("report", ({ flows }) =>
      flows?.report(this.#queue, id, childOf(child), outcome),
    );
    const state = await this.#reference.admin?.find(this.#queue, id);
    if (state === undefined) return;
    await this.#both("children", ({ flows }) => flows?.children(this.#queue, id));
  }

  async #sweep(): Promise<void> {
    await this.#driver.sweep(this.#queue);
    await this.#reference.sweep(this.#queue);
  }

  async #pass(ms: number): Promise<void> {
    await this.#clock.advance(ms);
    await this.#advance?.(ms);
    await this.#sweep();
    const active = await this.#reference.admin?.list(this.#queue, "active", { limit: ALL });
    const still = new Set(active?.jobs.map(({ id, attempts }) => `${id}:${attempts}`));
    const lives = ({ theirs }: Leased): boolean => still.has(`${theirs.id}:${theirs.attempt}`);
    this.#stale.push(...this.#live.filter((lease) => !lives(lease)));
    this.#live = this.#live.filter(lives);
  }

  async #redrive(): Promise<void> {
    const plain = [...this.#jobs.values()].filter(
      ({ key, dedup }) => key === undefined && dedup === undefined,
    );
    const which = { ids: ids(plain) };
    await this.#both("redrive", ({ admin }) => admin?.redrive(this.#queue, which));
    for (const { id } of plain) this.#redriven.add(id);
  }
  readonly #redriven = new Set<string>();

  async #both<Answer>(
    what: string,
    operate: (driver: QueueDriver) => Promise<Answer> | undefined,
  ): Promise<void> {
    const ours = await operate(this.#driver);
    assert.deepEqual(ours, await operate(this.#reference), what);
  }

  async compareStats(): Promise<void> {
    const ours = await this.#driver.stats(this.#queue);
    const theirs = await this.#reference.stats(this.#queue);
    for (const each of ["ready", "delayed", "active", "held", "dead", "paused"] as const) {
      assert.equal(ours[each], theirs[each], `stats: ${each}`);
    }
    assert.equal(ours.totals.added, theirs.totals.added, "stats: totals.added");
    assert.equal(ours.oldestReadyMs === undefined, theirs.oldestReadyMs === undefined);
  }

  /** Compares every job, and works all off. */
  async finish(): Promise<void> {
    await this.#compareJobs();
    await this.#both("resume", ({ admin }) => admin?.resume(this.#queue));
    for (let round = 0; round < this.#jobs.size + 1; round++) {
      await this.#settle({
        kind: "settle",
        pick: 0,
        count: ALL,
        stale: false,
        verdicts: ["done"],
        delayMs: 0,
        claim: ALL,
      });
      if (this.#live.length === 0) break;
    }
    await this.compareStats();
    await this.#compareJobs();
    const { ready, active } = await this.#driver.stats(this.#queue);
    assert.deepEqual({ ready, active }, { ready: 0, active: 0 }, "all is worked off");
  }

  async #compareJobs(): Promise<void> {
    for (const id of this.#jobs.keys()) {
      const ours = await this.#driver.admin?.find(this.#queue, id);
      const theirs = await this.#reference.admin?.find(this.#queue, id);
      assert.deepEqual(this.#shown(ours), this.#shown(theirs), `job ${id}`);
    }
  }

  #shown(job: JobRecord | undefined): unknown {
    if (job === undefined || job.state === "cancelled") return undefined;
    const { state, attempts, reason, result, history, key, priority } = job;
    return {
      state,
      attempts,
      key,
      priority,
      reason: state === "dead" ? reason : undefined,
      result: state === "done" ? result : undefined,
      history: this.#redriven.has(job.id) ? undefined : history.map(({ attempt }) => attempt),
    };
  }
}

const RELEASED: Verdict = { kind: "release", delayMs: 0 };

function childOf(at: number): { queue: string; id: string } {
  return { queue: "children", id: `child-${at}` };
}

function comparable(job: ClaimedJob): unknown {
  const { token, addedAtMs, waitedMs, ...same } = job;
  return same;
}

function verdictOf(
  { verdicts, delayMs: drawnMs }: Extract<ModelStep, { kind: "settle" }>,
  at: number,
  { ours: { id, key, attempt, maxAttempts } }: Leased,
  { capabilities }: QueueDriver,
): Verdict {
  const kind = verdicts[at % verdicts.length] ?? "done";
  const delayMs = key === undefined ? drawnMs : 0;
  switch (kind) {
    case "done":
      return { kind, result: capabilities.results ? JSON.stringify(id) : undefined };
    case "release":
      return { kind, delayMs };
    case "retry":
      if (attempt < maxAttempts) return { kind, delayMs, failure: FAILURE };
      return { kind: "dead", reason: "attempts-exhausted", failure: FAILURE };
    case "dead":
      return { kind, reason: "unrecoverable", failure: FAILURE };
  }
}
