/** An open loop in simulated time: requests come at a fixed rate, however slow the answers are. */

import { PeakEwma } from "@headroom/core/ewma";
import type { Candidate, Policy } from "../src/policy.ts";

export interface ServerOptions {
  /** How long it takes; `Infinity` never answers. Whole milliseconds. */
  readonly answersInMs: number;
  /** Its answers are failures, and recorded as taking this long. */
  readonly penaltyMs?: number;
  /** The estimate before anything is measured. */
  readonly guessMs?: number;
  readonly decayMs?: number;
}

/** A target that measures itself, as a balancer does with its targets. */
export class SimulatedServer implements Candidate {
  readonly id: string;
  readonly weight = 1;
  readonly share = 1;
  readonly latency: PeakEwma;
  readonly options: ServerOptions;
  inFlight = 0;
  requests = 0;

  constructor(id: string, options: ServerOptions) {
    const { decayMs = 10_000, guessMs = options.answersInMs } = options;
    this.id = id;
    this.options = options;
    this.latency = new PeakEwma(decayMs, guessMs, 0);
  }

  answer(nowMs: number): void {
    this.inFlight -= 1;
    this.latency.update(this.options.penaltyMs ?? this.options.answersInMs, nowMs);
  }
}

export function servers(count: number, options: ServerOptions): SimulatedServer[] {
  return Array.from({ length: count }, (_, index) => new SimulatedServer(`s${index}`, options));
}

/** `perMs` requests in each of `forMs` milliseconds; answers that are due come first. */
export function simulate(
  policy: Policy,
  all: readonly SimulatedServer[],
  { forMs, perMs = 1 }: { forMs: number; perMs?: number },
): void {
  const picker = policy.picker(all, all);
  const due = new Map<number, SimulatedServer[]>();
  for (let nowMs = 0; nowMs < forMs; nowMs++) {
    for (const server of due.get(nowMs) ?? []) server.answer(nowMs);
    due.delete(nowMs);
    // 0.4 a millisecond are two in five.
    const requests = Math.floor((nowMs + 1) * perMs) - Math.floor(nowMs * perMs);
    for (let request = 0; request < requests; request++) {
      const server = picker.pick({ nowMs }) as SimulatedServer;
      server.inFlight += 1;
      server.requests += 1;
      const answeredMs = nowMs + server.options.answersInMs;
      const others = due.get(answeredMs);
      if (others === undefined) due.set(answeredMs, [server]);
      else others.push(server);
    }
  }
}
