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
  Enqueued,
  NewJob,
  QueueDriver,
  QueueSettings,
  Settlement,
  Subscription,
} from "../driver.ts";

/** What is needed of the driver that jobs come from: `postgresDriver` has it. */
export interface RelaySource
  extends Pick<QueueDriver, "claim" | "settle" | "extend" | "sweep" | "subscribe"> {
  takeRelay(queue: string, owner: string, ms: number): Promise<boolean>;
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
    from: requireMethods<RelaySource>("from", options.from, ["claim", "settle", "takeRelay"]),
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
    this.#isAwake = false;
    if (!(await from.takeRelay(this.#source.name, this.#owner, leaseMs))) return leaseMs / 3;
    let claim: Claim | undefined = await from.claim(this.#source, { limit: batch, leaseMs });
    while (claim !== undefined && claim.jobs.length > 0) {
      await this.#deliver(claim.jobs);
      const settlements = claim.jobs.map((job): Settlement => ({ job, verdict: DONE }));
      // Whose turn it is is asked again before more is claimed: a batch may have taken long.
      const goesOn =
        !this.#closing.signal.aborted &&
        (await from.takeRelay(this.#source.name, this.#owner, leaseMs));
      const next = goesOn ? { limit: batch, leaseMs } : undefined;
      claim = (await from.settle(this.#source, settlements, { claim: next })).claim;
    }
    return Math.min(claim?.nextMs ?? LONGEST_WAIT_MS, LONGEST_WAIT_MS);
  }

  /** What the target has no room for is offered again, before anything else. */
  async #deliver(jobs: readonly ClaimedJob[]): Promise<void> {
    const { to, from, leaseMs, random } = this.#options;
    let rest = jobs;
    for (let refusals = 1; ; refusals++) {
      const outcomes: readonly Enqueued[] = await to.enqueue(this.#target, rest.map(forwarded));
      const at = outcomes.findIndex(({ outcome }) => outcome === "full");
      if (at < 0) return;
      rest = rest.filter((_, index) => outcomes[index]?.outcome === "full");
      if (this.#closing.signal.aborted) throw new Error("closed while the target was full");
      await this.#sleep(Math.min(BACKOFF(refusals, random, 0), leaseMs / 3));
      const kept = await from.extend(this.#source, jobs, leaseMs);
      await from.takeRelay(this.#source.name, this.#owner, leaseMs);
      if (kept.includes("lost")) throw new Error("the lease was lost while the target was full");
    }
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

const DONE = { kind: "done", result: undefined } as const;

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

/** The attempts of forwarding are not the job's. */
function forwarded(job: ClaimedJob): NewJob {
  const { id, name, body, headers, priority, maxAttempts, key, dedup, parent } = job;
  return {
    ...{ id, mayExist: true, name, body, headers, delayMs: 0, priority, maxAttempts, key, parent },
    dedup: dedup === undefined ? undefined : { key: dedup, windowMs: undefined },
  };
}
