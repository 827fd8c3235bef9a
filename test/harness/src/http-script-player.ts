import type { HttpBehaviour } from "./http-behaviour.ts";

/** Whole numbers keep the count exact where sums of a fraction would drift. */
const PARTS = 1_000_000;

/** Decides for each request, in the order of their arrival, which behaviour it meets. */
export class HttpScriptPlayer {
  readonly #behaviours: readonly HttpBehaviour[];
  readonly #phase: number;
  #requests = 0;

  /** @param phase where the pattern of a `share` begins, from 0 to 1 (1 excluded). */
  constructor(behaviours: readonly HttpBehaviour[], phase: number) {
    this.#behaviours = behaviours;
    this.#phase = Math.floor(phase * PARTS);
  }

  next(): HttpBehaviour {
    const request = this.#requests;
    this.#requests += 1;
    const last = this.#behaviours.length - 1;
    const behaviour = this.#behaviours[Math.min(request, last)] ?? {};
    return this.#isHit(request, behaviour.share ?? 1) ? behaviour : {};
  }

  /** The line of slope `share` reaches another whole number at this request (Bresenham 1965). */
  #isHit(request: number, share: number): boolean {
    const step = Math.round(share * PARTS);
    const level = (count: number): number => Math.floor((count * step + this.#phase) / PARTS);
    return level(request + 1) > level(request);
  }
}
