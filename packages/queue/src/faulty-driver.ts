/**
 * A driver that fails when it is told to: for tests of whoever must live with that.
 *
 * A call fails before anything was done, as when a server refuses, or after, as when its answer is
 * lost: the caller cannot tell which.
 */

import type { Capabilities } from "./capabilities.ts";
import type { QueueDriver } from "./driver.ts";
import { driverFailed } from "./errors.ts";

export type Fault = "none" | "before" | "after";
export type FaultyMethod = "enqueue" | "claim" | "settle" | "extend" | "sweep";

export interface FaultyDriver<Caps extends Capabilities> extends QueueDriver<Caps> {
  /** How often each method was called. */
  readonly calls: Readonly<Record<FaultyMethod, number>>;
}

/** @param decide what becomes of the next call of a method. */
export function faultyDriver<Caps extends Capabilities>(
  inner: QueueDriver<Caps>,
  decide: (method: FaultyMethod) => Fault | Promise<Fault>,
): FaultyDriver<Caps> {
  const calls = { enqueue: 0, claim: 0, settle: 0, extend: 0, sweep: 0 };
  const around = async <Result>(
    method: FaultyMethod,
    queue: string,
    call: () => Promise<Result>,
  ): Promise<Result> => {
    calls[method] += 1;
    const fault = await decide(method);
    if (fault === "before") throw driverFailed(queue, inner.name, new Error("refused"));
    const result = await call();
    if (fault === "after") throw driverFailed(queue, inner.name, new Error("no answer"));
    return result;
  };
  return {
    name: inner.name,
    capabilities: inner.capabilities,
    admin: inner.admin,
    schedules: inner.schedules,
    flows: inner.flows,
    calls,
    enqueue: (...given) => around("enqueue", given[0].name, () => inner.enqueue(...given)),
    claim: (...given) => around("claim", given[0].name, () => inner.claim(...given)),
    settle: (...given) => around("settle", given[0].name, () => inner.settle(...given)),
    extend: (...given) => around("extend", given[0].name, () => inner.extend(...given)),
    sweep: (...given) => around("sweep", given[0].name, () => inner.sweep(...given)),
    stats: (queue) => inner.stats(queue),
    subscribe: (...given) => inner.subscribe(...given),
    close: () => inner.close(),
  };
}
