/** Candidates for tests of policies: what a balancer would know about its targets, set by hand. */

import type { Candidate, Picker, PickRequest } from "../src/policy.ts";

export interface Known {
  readonly weight?: number;
  readonly share?: number;
  readonly inFlight?: number;
  readonly latencyMs?: number;
}

export class FakeCandidate implements Candidate {
  readonly id: string;
  readonly weight: number;
  share: number;
  inFlight: number;
  latency: { estimateAt(nowMs: number): number };

  constructor(id: string, known: Known = {}) {
    const { latencyMs = 1 } = known;
    this.id = id;
    this.weight = known.weight ?? 1;
    this.share = known.share ?? 1;
    this.inFlight = known.inFlight ?? 0;
    this.latency = { estimateAt: () => latencyMs };
  }
}

/** One for each, with ids `"a"`, `"b"`, … */
export function candidatesOf(...known: readonly Known[]): FakeCandidate[] {
  return known.map((each, index) => new FakeCandidate(String.fromCharCode(97 + index), each));
}

/** That many alike. */
export function equalCandidates(count: number, known: Known = {}): FakeCandidate[] {
  return Array.from({ length: count }, (_, index) => new FakeCandidate(`t${index}`, known));
}

/** How often each of `candidates` is picked, in their order. Nothing comes under way by it. */
export function countPicks<C extends Candidate>(
  picker: Picker<C>,
  candidates: readonly C[],
  picks: number,
  request: PickRequest<C> = { nowMs: 0 },
): number[] {
  const counts = candidates.map(() => 0);
  for (let pick = 0; pick < picks; pick++) {
    const index = candidates.indexOf(picker.pick(request) as C);
    counts[index] = (counts[index] as number) + 1;
  }
  return counts;
}

/** The ids of the next picks, as `"a a b"`. */
export function turnsOf<C extends Candidate>(
  picker: Picker<C>,
  picks: number,
  request: PickRequest<C> = { nowMs: 0 },
): string {
  return Array.from({ length: picks }, () => picker.pick(request)?.id).join(" ");
}

/** All go on for ever: how many requests each has under way after so many picks. */
export function fill(
  picker: Picker<FakeCandidate>,
  candidates: readonly FakeCandidate[],
  picks: number,
): number[] {
  for (let pick = 0; pick < picks; pick++) {
    const chosen = picker.pick({ nowMs: 0 });
    if (chosen !== undefined) chosen.inFlight += 1;
  }
  return candidates.map(({ inFlight }) => inFlight);
}
