/**
 * From PostgreSQL to any driver: jobs that were added in a transaction, where the transaction is, go
 * where the workers are.
 *
 *     claim a batch here  →  enqueue it there, with the same ids  →  settle it here
 *
 * Whatever breaks between two of these steps, the batch's leases expire and it is forwarded again: the
 * ids are the same, and the target is told that they may be there. So each job arrives **at least once,
 * and never twice while the first lives**; one that has been worked off and forgotten by the target in
 * that time arrives a second time.
 *
 * The order is that of adding, and of each key. For that one process forwards at a time; it says so in
 * a table, for some seconds, and another goes on when it has not said so again. One batch follows the
 * other, and what the target refuses (it is full, it is away) is offered again before what comes after.
 *
 * A delay and a schedule are waited for here: the target gets a job when it is ready.
 */

import { randomBytes } from "node:crypto";
import { fullJitterBackoff } from "@headroom/core/backoff";
import { type Clock, systemClock } from "@headroom/core/clock";
import {
  requireClock,
  requireCount,
  requireFunction,
  requireKnownOptions,
  requireMethods,
  requirePositive,
} from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import type {
  Claim,
  ClaimedJob,
  ClaimRequest,
  NewJob,
  QueueDriver,
  QueueSettings,
  Subscription,
} from "../driver.ts";

/** What is needed of the driver that jobs come from: `postgresDriver` has it. */
export interface RelaySource extends Pick<QueueDriver, "settle" | "extend" | "subscribe"> {
  /** Leases jobs to be forwarded, if `owner` is the one who may; undefined: it is another. */
  claimToForward(
    queue: QueueSettings,
    owner: string,
    request: ClaimRequest,
  ): Promise<Claim | undefined>;
}

export interface OutboxRelayOptions {
  readonly from: RelaySource;
  readonly to: Pick<QueueDriver, "enqueue">;
  /** Names; or settings, where the target's backlog has an end. */
  readonly queues: readonly (string | QueueSettings)[];
  /** @default 200 */
  readonly batch?: number | undefined;
  /** After so long another process takes over, and a batch is forwarded again. @default 15_000 */
  readonly leaseMs?: number | undefined;
  /** Told what went wrong: it is tried again by itself. @default nothing */
  readonly onError?: ((reason: unknown) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

export interface OutboxRelay extends AsyncDisposable {
  /** The batch that is on its way arrives; nothing more is claimed. */
  close(): Promise<void>;
}

const KNOWN: readonly (keyof OutboxRelayOptions)[] = [
  ...(["from", "to", "queues", "batch", "leaseMs", "onError", "clock", "random"] as const),
];

const BACKOFF = fullJitterBackoff({ baseMs: 50, maxMs: 5_000 });
const LONGEST_WAIT_MS = 1_000;

/**
 * Forwards from now on.
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function outboxRelay(options: OutboxRelayOptions): OutboxRelay {
  requireKnownOptions("outboxRelay", options, KNOWN);
  const { queues } = options;
  if (!Array.isArray(queues) || queues.length === 0) {
    throw new TypeError("queues must be a list of at least one queue");
  }
  const common: LoopOptions = {
    from: requireMethods<RelaySource>("from", options.from, [
      "claimToForward",
      "settle",
      "extend",
      "subscribe",
    ]),
    to: requireMethods("to", options.to, ["enqueue"]),
    batch: requireCount("batch", options.batch ?? 200),
    leaseMs: requirePositive("leaseMs", options.leaseMs ?? 15_000),
    onError: requireFunction("onError", options.onError ?? (() => {})),
    clock: requireClock("clock", options.clock ?? systemClock),
    random: requireFunction("random", options.random ?? systemRandom),
  };
  const loops = queues.map((queue) => new RelayLoop(common, queue));
  const close = async (): Promise<void> => {
    await Promise.all(loops.map((loop) => loop.close()));
  };
  return { close, [Symbol.asyncDispose]: close };
}

type LoopOptions = Required<
  Omit<{ [Name in keyof OutboxRelayOptions]: NonNullable<OutboxRelayOptions[Name]> }, "queues">
>;

/** One queue. */
class RelayLoop {
  readonly #options: LoopOptions;
  readonly #source: QueueSettings;
  readonly #target: QueueSettings;
  readonly #owner: string = randomBytes(9).toString("base64url");
  readonly #closing = new AbortController();
  readonly #subscription: Subscription;
  readonly #running: Promise<void>;
  #wake: () => void = () => {};
  #isAwake = false;

  constructor(options: LoopOptions, queue: string | QueueSettings) {
    this.#options = options;
    const { name } = typeof queue === "string" ? { name: queue } : queue;
    this.#source = sourceSettings(name, options.batch);
    this.#target = typeof queue === "string" ? sourceSettings(name, 1) : queue;
    this.#subscription = options.from.subscribe(this.#source, ["ready"], () => {
      this.#isAwake = true;
      this.#wake();
    });
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake();
    await this.#running;
    await this.#subscription.close();
  }

  async #run(): Promise<void> {
    const { random, onError } = this.#options;
    for (let failures = 0; !this.#closing.signal.aborted; ) {
      try {
        const waitMs = await this.#forward();
        failures = 0;
        if (waitMs > 0) await this.#sleep(waitMs);
      } catch (error) {
        failures++;
        onError(error);
        this.#isAwake = false;
        await this.#sleep(BACKOFF(failures, random, 0));
      }
    }
  }

  /** Forwards until nothing is there. Returns how long to wait. */
  async #forward(): Promise<number> {
    const { from, batch, leaseMs } = this.#options;
    for (;;) {
      this.#isAwake = false;
      const request = { limit: batch, leaseMs };
      const claim = await from.claimToForward(this.#source, this.#owner, request);
      if (claim === undefined) return leaseMs / 3;
      const { jobs, nextMs = LONGEST_WAIT_MS } = claim;
      if (jobs.length === 0) return Math.min(nextMs, LONGEST_WAIT_MS);
      if (!(await this.#deliver(jobs))) return 0;
      await from.settle(
        this.#source,
        jobs.map((job) => ({ job, verdict: { kind: "done", result: undefined } })),
      );
      if (this.#closing.signal.aborted) return 0;
    }
  }

  /**
   * What the target does not take is offered again, before anything else: the leases are kept until it
   * does. False: they are not ours any more, or this is closed; whoever comes next starts with them.
   */
  async #deliver(jobs: readonly ClaimedJob[]): Promise<boolean> {
    const { from, leaseMs, random, onError } = this.#options;
    let rest = jobs;
    for (let refusals = 1; ; refusals++) {
      try {
        rest = await this.#offer(rest);
        if (rest.length === 0) return true;
      } catch (error) {
        onError(error);
      }
      if (this.#closing.signal.aborted) return false;
      this.#isAwake = false;
      await this.#sleep(Math.min(BACKOFF(refusals, random, 0), leaseMs / 3));
      const kept = await from.extend(this.#source, jobs, leaseMs);
      if (kept.some((state) => state !== "extended")) return false;
    }
  }

  /** Those for which there was no room. */
  async #offer(jobs: readonly ClaimedJob[]): Promise<readonly ClaimedJob[]> {
    const outcomes = await this.#options.to.enqueue(this.#target, jobs.map(forwarded));
    return jobs.filter((_, index) => outcomes[index]?.outcome === "full");
  }

  /** Until it is woken. */
  async #sleep(ms: number): Promise<void> {
    if (this.#isAwake) return;
    const awake = new AbortController();
    this.#wake = () => awake.abort();
    if (this.#closing.signal.aborted) awake.abort();
    await this.#options.clock.sleep(ms, { signal: awake.signal }).catch(() => {});
    this.#wake = () => {};
  }
}

/** Many of a key at a time: one after the other they are put into the target. */
function sourceSettings(name: string, batch: number): QueueSettings {
  return {
    name,
    maxBacklog: undefined,
    limits: {
      concurrency: undefined,
      rate: undefined,
      perKeyConcurrency: batch,
      perKeyRate: undefined,
    },
    retention: { done: undefined, dead: { ms: 14 * 86_400_000, count: 10_000 } },
  };
}

/** The attempts of forwarding are not those of the job. */
function forwarded(job: ClaimedJob): NewJob {
  const { id, name, body, headers, priority, maxAttempts, key, dedup, parent } = job;
  return {
    ...{ id, mayExist: true, name, body, headers, delayMs: 0, priority, maxAttempts, key, parent },
    dedup: dedup === undefined ? undefined : { key: dedup, windowMs: undefined },
  };
}
