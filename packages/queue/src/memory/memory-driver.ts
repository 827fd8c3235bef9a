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
import type { Claim, QueueDriver, QueueSettings, Subscription } from "../driver.ts";
import type { Flows, JobAdmin, JobRecord, Schedules } from "../driver-powers.ts";
import { QueueError } from "../errors.ts";
import { listJobs, purgeJobs, redriveJobs, reportProgress } from "./memory-admin.ts";
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

  enqueue: QueueDriver["enqueue"] = async (settings, jobs, { tx } = {}) => {
    const { queue } = this.#open(settings);
    for (const job of jobs) requireSupportedJob(this.capabilities, settings.name, job);
    this.#refuseTransaction(settings, tx);
    return queue.enqueue(settings, jobs);
  };

  claim: QueueDriver["claim"] = async (settings, request) => {
    const { jobs, nextMs } = this.#open(settings).queue.claim(settings, request);
    return { jobs, nextMs };
  };

  settle: QueueDriver["settle"] = async (settings, settlements, { claim, tx } = {}) => {
    const { queue } = this.#open(settings);
    for (const each of settlements) requireSupportedVerdict(this.capabilities, settings.name, each);
    this.#refuseTransaction(settings, tx);
    const outcomes = queue.settle(settings, settlements);
    const claimed: Claim | undefined = claim && (await this.claim(settings, claim));
    return { outcomes, claim: claimed };
  };

  extend: QueueDriver["extend"] = async (settings, leases, leaseMs) => {
    const { queue } = this.#open(settings);
    requireSupported(this.capabilities, settings.name, "extend");
    return leases.map((lease) => queue.extend(lease, leaseMs));
  };

  sweep: QueueDriver["sweep"] = async (settings) => this.#open(settings).queue.sweep(settings);

  stats: QueueDriver["stats"] = async (settings) => this.#open(settings).queue.stats(settings);

  subscribe: QueueDriver["subscribe"] = (settings, kinds, listener): Subscription => {
    const unsubscribe = this.#open(settings).queue.subscribers.add(kinds, listener);
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

  #open(settings: QueueSettings): ReturnType<MemoryServer["queue"]> {
    const { name } = settings;
    if (this.#closed) throw new QueueError("QUEUE_CLOSED", name, `queue "${name}": closed`);
    requireSupportedQueue(this.capabilities, settings);
    return this.server.queue(name);
  }

  #refuseTransaction({ name }: QueueSettings, tx: unknown): void {
    if (tx !== undefined) requireSupported(this.capabilities, name, "transactions");
  }

  #admin(): JobAdmin {
    const open = (settings: QueueSettings) => this.#open(settings).queue;
    return {
      find: async (settings, id) => {
        open(settings).stats(settings); // What has become ready is so.
        const job = open(settings).states.find(id);
        return job && jobRecord(job);
      },
      list: async (settings, state, page) => listJobs(open(settings), settings, state, page),
      cancel: async (settings, id) => open(settings).cancel(settings, id),
      pause: async (settings) => {
        open(settings).paused = true;
      },
      resume: async (settings) => {
        open(settings).paused = false;
        open(settings).tellReady(settings);
      },
      redrive: async (settings, which) => {
        requireSupported(this.capabilities, settings.name, "deadLetters");
        return redriveJobs(open(settings), settings, which);
      },
      purge: async (settings, states) => purgeJobs(open(settings), settings, states),
      progress: async (settings, lease, progress) =>
        reportProgress(open(settings), lease, progress),
    };
  }

  #schedules(): Schedules {
    const open = (settings: QueueSettings) => this.#open(settings).schedules;
    return {
      fire: async (settings, schedule, tickMs, job) =>
        open(settings).fire(settings, schedule, tickMs, job),
      begin: async (settings, schedule) => open(settings).begin(schedule),
      retain: async (settings, schedules) => open(settings).retain(schedules),
    };
  }

  #flows(): Flows {
    const open = (settings: QueueSettings) => this.#open(settings).flows;
    return {
      hold: async (settings, parent, children, { childDead }) =>
        open(settings).hold(settings, parent, children, childDead),
      report: async (settings, parentId, child, outcome) =>
        open(settings).report(settings, parentId, child, outcome),
      children: async (settings, parentId) => open(settings).children(parentId),
    };
  }
}
