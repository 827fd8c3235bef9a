/** Which living job has which dedup key. */

import type { DedupRule } from "../driver.ts";

interface Owner {
  readonly id: string;
  readonly untilMs: number;
}

export class DedupKeys {
  readonly #owners = new Map<string, Owner>();

  /** The job that keeps others of this key away. */
  ownerOf({ key }: DedupRule, nowMs: number): string | undefined {
    const owner = this.#owners.get(key);
    return owner !== undefined && owner.untilMs > nowMs ? owner.id : undefined;
  }

  take({ key, windowMs = Number.POSITIVE_INFINITY }: DedupRule, id: string, nowMs: number): void {
    this.#owners.set(key, { id, untilMs: nowMs + windowMs });
  }

  /** The job has ended. After its window the key may be another's: then it stays. */
  release({ key }: DedupRule, id: string): void {
    if (this.#owners.get(key)?.id === id) this.#owners.delete(key);
  }
}
