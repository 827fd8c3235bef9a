/**
 * What a memory driver pretends not to be able to, so that a test of an application finds out here
 * what its driver in production would refuse.
 */

import { type Capabilities, FULL_CAPABILITIES, type FullCapabilities } from "../capabilities.ts";
import type { NewJob, QueueSettings, Settlement } from "../driver.ts";
import { QueueError } from "../errors.ts";

/** Everything but a transaction, which is another server's. */
export interface MemoryCapabilities extends FullCapabilities {
  readonly transactions: false;
  readonly durability: "memory";
}

export const MEMORY_CAPABILITIES: MemoryCapabilities = {
  ...FULL_CAPABILITIES,
  transactions: false,
  durability: "memory",
};

/** What the memory and another driver both can. */
export type CapabilitiesLike<Caps extends Capabilities> = Omit<
  Caps,
  "transactions" | "durability"
> & { readonly transactions: false; readonly durability: "memory" };

export function capabilitiesLike<Caps extends Capabilities>(caps: Caps): CapabilitiesLike<Caps> {
  return {
    ...caps,
    priorities: Math.min(caps.priorities, MEMORY_CAPABILITIES.priorities),
    transactions: false,
    durability: "memory",
  };
}

/** @throws QueueError `QUEUE_UNSUPPORTED` when the queue asks for what the driver cannot do. */
export function requireSupportedQueue(
  caps: Capabilities,
  { name, limits, maxBacklog, retention }: QueueSettings,
): void {
  const limited =
    limits.concurrency !== undefined ||
    limits.rate !== undefined ||
    limits.perKeyRate !== undefined ||
    limits.perKeyConcurrency > 1;
  require(name, caps.limits || !limited, "limits");
  require(name, caps.maxBacklog || maxBacklog === undefined, "maxBacklog");
  require(name, caps.results || retention.done === undefined, "results");
}

export function requireSupportedJob(caps: Capabilities, queue: string, job: NewJob): void {
  requireDelay(caps, queue, job.delayMs);
  require(queue, job.priority < caps.priorities, "priorities");
  require(queue, caps.keys || job.key === undefined, "keys");
  require(queue, caps.dedup || job.dedup === undefined, "dedup");
  require(queue, caps.flows || job.parent === undefined, "flows");
}

export function requireSupportedVerdict(
  caps: Capabilities,
  queue: string,
  { verdict }: Settlement,
): void {
  if (verdict.kind === "retry" || verdict.kind === "release") {
    requireDelay(caps, queue, verdict.delayMs);
  }
  if (verdict.kind === "done")
    require(queue, caps.results || verdict.result === undefined, "results");
}

export function requireSupported(
  caps: Capabilities,
  queue: string,
  name: "extend" | "transactions" | "deadLetters",
): void {
  require(queue, caps[name], name);
}

function requireDelay(caps: Capabilities, queue: string, delayMs: number): void {
  require(queue, delayMs <= caps.delayMs, "delayMs");
}

function require(queue: string, supported: boolean, name: keyof Capabilities): void {
  if (supported) return;
  throw new QueueError(
    "QUEUE_UNSUPPORTED",
    queue,
    `queue "${queue}": the driver has not the capability ${name}`,
  );
}
