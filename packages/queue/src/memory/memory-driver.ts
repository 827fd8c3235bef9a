/**
 * Jobs in the memory of the process: the reference of the contract, for tests and for one process.
 *
 *     const clock = createManualClock();
 *     const driver = memoryDriver({ clock });
 *     …
 *     await clock.advance(60_000);              // delays, leases and rates go by the clock
 *     driver.jobs("photos");                    // what is there, in the order of adding
 *
 * A second driver on the same jobs, as another process would have one on the same server:
 * `memoryDriver({ shared: driver.server })`. One that can only what another driver can, and refuses the
 * rest: `memoryDriver({ like: otherDriver.capabilities })`.
 *
 * What it does not do: survive its process. And there is no bound but `maxBacklog` and the retention.
 */

import { requireKnownOptions } from "@headroom/core/options";
import type { Capabilities } from "../capabilities.ts";
import type { QueueDriver, QueueSettings, Subscription } from "../driver.ts";
import type { Flows, JobAdmin, JobRecord, Schedules } from "../driver-powers.ts";
import { QueueError } from "../errors.ts";
import { findJob, listJobs, purgeJobs, redriveJobs, reportProgress } from "./memory-admin.ts";
import { jobRecord } from "./memory-job.ts";
import { MemoryServer, type MemoryServerOptions } from "./memory-server.ts";
import {
  type CapabilitiesLike,
  capabilitiesLike,
  MEMORY_CAPABILITIES,
  type MemoryCapabilities,
  requireSupported,
  requireSupportedJob,
  requireSupportedQueue,
  requireSupportedVerdict,
} from "./supported.ts";

export interface MemoryDriverOptions<Caps extends Capabilities = MemoryCapabilities>
  extends MemoryServerOptions {
  /**
   * Refuses what a driver of these capabilities would.
   * @default everything but transactions
   */
  readonly like?: Caps | undefined;
  /** Another driver's `server`: both work on the same jobs, by its clock. */
  readonly shared?: MemoryServer | undefined;
}

export interface MemoryDriver<Caps extends Capabilities = MemoryCapabilities>
  extends QueueDriver<Caps> {
  /** For `shared`. */
  readonly server: MemoryServer;
  /** All jobs that the memory has of a queue, in the order of adding. */
  jobs(queue: string): readonly JobRecord[];
}

/** @throws TypeError or RangeError naming the option that is wrong. */
export function memoryDriver<Caps extends Capabilities = MemoryCapabilities>(
  options: MemoryDriverOptions<Caps> = {},
): MemoryDriver<CapabilitiesLike<Caps>> {
  requireKnownOptions("memoryDriver", options, ["clock", "random", "like", "shared"]);
  const { like = MEMORY_CAPABILITIES as Capabilities as Caps, shared, clock, random } = options;
  if (shared !== undefined && (clock !== undefined || random !== undefined)) {
    throw new TypeError("clock and random are those of shared: leave them out");
  }
  const server = shared ?? new MemoryServer({ clock, random });
  return new InMemory(server, capabilitiesLike(like));
}

/** Where a driver keeps no dead letters, who is given up is gone. */
const NOT_KEPT = { ms: 0, count: 0 } as const;

type Opened = ReturnType<MemoryServer["queue"]> & { readonly settings: QueueSettings };

class InMemory<Caps extends Capabilities> implements MemoryDriver<Caps> {
  readonly name = "memory";
  readonly capabilities: Caps;
  readonly server: MemoryServer;
  readonly admin: JobAdmin | undefined;
  readonly schedules: Schedules | undefined;
  readonly flows: Flows | undefined;
  readonly #unsubscribe = new Set<() => void>();
  #closed = false;

  constructor(server: MemoryServer, capabilities: Caps) {
    this.server = server;
    this.capabilities = capabilities;
    this.admin = capabilities.admin ? this.#admin() : undefined;
    this.schedules = capabilities.schedules ? this.#schedules() : undefined;
    this.flows = capabilities.flows ? this.#flows() : undefined;
  }

  jobs(queue: string): readonly JobRecord[] {
    return this.server.queue(queue).queue.states.all().map(jobRecord);
  }

  enqueue: QueueDriver["enqueue"] = async (given, jobs, { tx } = {}) => {
    const { queue, settings } = this.#open(given);
    for (const job of jobs) requireSupportedJob(this.capabilities, settings.name, job);
    this.#refuseTransaction(settings, tx);
    return queue.enqueue(settings, jobs);
  };

  claim: QueueDriver["claim"] = async (given, request) => {
    const { queue, settings } = this.#open(given);
    return queue.claim(settings, request);
  };

  settle: QueueDriver["settle"] = async (given, settlements, { claim, tx } = {}) => {
    const { queue, settings } = this.#open(given);
    for (const each of settlements) requireSupportedVerdict(this.capabilities, settings.name, each);
    this.#refuseTransaction(settings, tx);
    const outcomes = queue.settle(settings, settlements);
    return { outcomes, claim: claim && queue.claim(settings, claim) };
  };

  extend: QueueDriver["extend"] = async (given, leases, leaseMs) => {
    const { queue, settings } = this.#open(given);
    requireSupported(this.capabilities, settings.name, "extend");
    return leases.map((lease) => queue.extend(lease, leaseMs));
  };

  sweep: QueueDriver["sweep"] = async (given) => {
    const { queue, settings } = this.#open(given);
    return queue.sweep(settings);
  };

  stats: QueueDriver["stats"] = async (given) => {
    const { queue, settings } = this.#open(given);
    return queue.stats(settings);
  };

  subscribe: QueueDriver["subscribe"] = (given, kinds, listener): Subscription => {
    const unsubscribe = this.#open(given).queue.subscribers.add(kinds, listener);
    this.#unsubscribe.add(unsubscribe);
    const close = async (): Promise<void> => {
      this.#unsubscribe.delete(unsubscribe);
      unsubscribe();
    };
    return { ready: Promise.resolve(), close };
  };

  close: QueueDriver["close"] = async () => {
    this.#closed = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe.clear();
  };

  #open(given: QueueSettings): Opened {
    const { name, retention } = given;
    if (this.#closed) throw new QueueError("QUEUE_CLOSED", name, `queue "${name}": closed`);
    requireSupportedQueue(this.capabilities, given);
    const dead = this.capabilities.deadLetters ? retention.dead : NOT_KEPT;
    return {
      ...this.server.queue(name),
      settings: { ...given, retention: { ...retention, dead } },
    };
  }

  #refuseTransaction({ name }: QueueSettings, tx: unknown): void {
    if (tx !== undefined) requireSupported(this.capabilities, name, "transactions");
  }

  #admin(): JobAdmin {
    return {
      find: async (given, id) => {
        const { queue, settings } = this.#open(given);
        return findJob(queue, settings, id);
      },
      list: async (given, state, page) => {
        const { queue, settings } = this.#open(given);
        return listJobs(queue, settings, state, page);
      },
      cancel: async (given, id) => {
        const { queue, settings } = this.#open(given);
        return queue.cancel(settings, id);
      },
      pause: async (given) => {
        this.#open(given).queue.paused = true;
      },
      resume: async (given) => {
        const { queue, settings } = this.#open(given);
        queue.paused = false;
        queue.tellReady(settings);
      },
      redrive: async (given, which) => {
        const { queue, settings } = this.#open(given);
        requireSupported(this.capabilities, settings.name, "deadLetters");
        return redriveJobs(queue, settings, which);
      },
      purge: async (given, states) => {
        const { queue, settings } = this.#open(given);
        return purgeJobs(queue, settings, states);
      },
      progress: async (given, lease, progress) =>
        reportProgress(this.#open(given).queue, lease, progress),
    };
  }

  #schedules(): Schedules {
    return {
      fire: async (given, schedule, tickMs, job) => {
        const { schedules, settings } = this.#open(given);
        requireSupportedJob(this.capabilities, settings.name, job);
        return schedules.fire(settings, schedule, tickMs, job);
      },
      begin: async (given, schedule) => this.#open(given).schedules.begin(schedule),
      forget: async (given, schedule) => this.#open(given).schedules.forget(schedule),
    };
  }

  #flows(): Flows {
    return {
      hold: async (given, parent, children, { childDead }) => {
        const { flows, settings } = this.#open(given);
        requireSupportedJob(this.capabilities, settings.name, parent);
        return flows.hold(settings, parent, children, childDead);
      },
      report: async (given, parentId, child, outcome) => {
        const { flows, settings } = this.#open(given);
        flows.report(settings, parentId, child, outcome);
      },
      children: async (given, parentId) => this.#open(given).flows.children(parentId),
    };
  }
}
