/**
 * What one session has done and seen: a request, a job, whatever runs inside of `db.run`.
 *
 *     a write ended, its position not known  → only the primary is new enough
 *     its position is known (a token)        → a replica that has replayed it
 *     a read was answered by X               → X, or the primary, or whoever is known to be as far as X is by now
 *
 * The position of a write is not asked for by the write: many sessions only write. It is found out
 * once, by the first read after it or at the end of the request.
 *
 * The last line makes reads monotonic. How far X was when it answered is not known, only how far
 * it is when it is looked at afterwards; so until then the session stays with X.
 */

import type { Host } from "../topology/host.ts";
import type { Observation } from "../topology/observation.ts";
import { laterToken, type Token } from "./token.ts";

export class SessionScope {
  /** What was brought along or found out since. */
  #token: Token | undefined;
  #writes = 0;
  #captured = 0;
  #lastRead: { readonly host: Host; readonly atMs: number; readonly outages: number } | undefined;
  readonly #isMonotonic: boolean;
  readonly #wasBrought: boolean;

  constructor(token: Token | undefined, isMonotonic: boolean) {
    this.#token = token;
    this.#wasBrought = token !== undefined;
    this.#isMonotonic = isMonotonic;
  }

  get token(): Token | undefined {
    return this.#token;
  }

  /** It goes on somewhere else: it was brought here, or has written. Who only reads begins anew each time. */
  get needsToken(): boolean {
    return this.#wasBrought || this.#writes > 0;
  }

  /** It has written, and the position of that is not known yet. */
  get hasUnplacedWrites(): boolean {
    return this.#writes > this.#captured;
  }

  /** It has read since its token was found out. */
  get lastReader(): Host | undefined {
    return this.#lastRead?.host;
  }

  /** A write has ended, well or not: it may be there. */
  wrote(): void {
    this.#writes++;
  }

  /** `host` has answered a read, which ended at `atMs` of the monotonic clock. */
  hasRead(host: Host, atMs: number): void {
    if (this.#isMonotonic) this.#lastRead = { host, atMs, outages: host.outages };
  }

  /** To be taken before the primary is looked at, and given to {@link place} after. */
  get writes(): number {
    return this.#writes;
  }

  /** The primary was seen at `token` after the first `writes` writes. */
  place(token: Token, writes: number): void {
    this.#token = laterToken(this.#token, token);
    this.#captured = Math.max(this.#captured, writes);
  }

  /** Whoever answered last has been looked at since: others may answer that are as far. */
  settleReads(tokenOf: (seen: Observation) => Token): void {
    if (this.#lastRead === undefined) return;
    const { host, atMs, outages } = this.#lastRead;
    const { observation } = host;
    if (host.outages !== outages) {
      // It may have come back with less than it had: only the primary is known to have as much.
      this.#lastRead = undefined;
      this.#writes++;
      return;
    }
    if (observation === undefined || observation.askedMs <= atMs) return;
    if (observation.lsn === undefined) {
      // How far a server without positions is nobody can say; who has read from the primary may move on.
      if (!observation.isStandby) this.#lastRead = undefined;
      return;
    }
    this.#token = laterToken(this.#token, tokenOf(observation));
    this.#lastRead = undefined;
  }
}
