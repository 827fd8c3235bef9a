/**
 * The one session that a cookie has, as the store that it is asked for.
 *
 * It keeps the store's contract for this one request: what has expired is gone, a commit is all or
 * nothing. Of other requests it knows nothing. What is sealed says when the session was made and when
 * it is over by idleness, so that an old cookie is worth nothing, whatever its browser says.
 */

import type { Clock } from "@headroom/core/clock";
import { SessionError } from "../errors.ts";
import { sessionKey } from "../session-id.ts";
import type {
  Change,
  CommitResult,
  Fields,
  NewSession,
  SessionMeta,
  SessionStore,
  StoredSession,
  Touch,
} from "../store.ts";
import { sealedLength } from "./cookie-sealer.ts";

interface Kept {
  readonly key: string;
  readonly fields: Fields;
  readonly meta: SessionMeta;
  readonly seenAtMs: number;
  readonly untilMs: number;
}

export interface SealedSessionRules {
  readonly clock: Clock;
  /** The longest value of the cookie. */
  readonly maxLength: number;
}

export class SealedSession implements SessionStore {
  readonly name = "cookie";
  readonly #rules: SealedSessionRules;
  #kept: Kept | undefined;

  constructor(rules: SealedSessionRules) {
    this.#rules = rules;
  }

  /** Takes what was sealed. @returns its id; undefined when it is over. */
  open(text: string): string | undefined {
    const { i, c, u, a, s, e, f } = JSON.parse(text) as SealedJson;
    const fields = new Map(Object.entries(f).map(([name, value]) => [name, JSON.stringify(value)]));
    const meta = { createdAtMs: c, userId: u, authenticatedAtMs: a };
    this.#kept = { key: sessionKey(i), fields, meta, seenAtMs: s, untilMs: e };
    return this.#found(this.#kept.key) && i;
  }

  /** What is to be sealed. @throws TypeError: there is no such session. */
  text(id: string): string {
    const kept = this.#found(sessionKey(id));
    if (kept === undefined) throw new TypeError("there is no session to seal");
    return sealedText(id, kept);
  }

  async load(key: string): Promise<StoredSession | undefined> {
    return this.#found(key);
  }

  async create(key: string, { ttlMs, ...session }: NewSession): Promise<boolean> {
    if (this.#found(key) !== undefined) return false;
    this.#keep({ ...session, key, untilMs: this.#in(ttlMs) });
    return true;
  }

  async commit(key: string, { set, del, expect }: Change, touch: Touch): Promise<CommitResult> {
    const kept = this.#found(key);
    if (kept === undefined) return "gone";
    for (const [name, text] of expect ?? []) {
      if (kept.fields.get(name) !== text) return "conflict";
    }
    const fields = new Map([...kept.fields, ...set]);
    for (const name of del) fields.delete(name);
    this.#keep(this.#touched({ ...kept, fields }, touch));
    return "ok";
  }

  async touch(key: string, touch: Touch): Promise<boolean> {
    const kept = this.#found(key);
    if (kept !== undefined) this.#keep(this.#touched(kept, touch));
    return kept !== undefined;
  }

  async rotate(from: string, to: string, meta: SessionMeta, touch: Touch): Promise<boolean> {
    const kept = this.#found(from);
    if (kept !== undefined) this.#keep(this.#touched({ ...kept, key: to, meta }, touch));
    return kept !== undefined;
  }

  async destroy(key: string): Promise<boolean> {
    const kept = this.#found(key);
    if (kept !== undefined) this.#kept = undefined;
    return kept !== undefined;
  }

  #found(key: string): Kept | undefined {
    const kept = this.#kept;
    return kept?.key === key && this.#rules.clock.now() < kept.untilMs ? kept : undefined;
  }

  #touched(kept: Kept, { seenAtMs, ttlMs }: Touch): Kept {
    return { ...kept, seenAtMs, untilMs: this.#in(ttlMs) };
  }

  /** @throws SessionError `SESSION_TOO_LARGE`; what was kept before is kept. */
  #keep(kept: Kept): void {
    // The id has the length of every id; the key's is longer.
    const length = sealedLength(Buffer.byteLength(sealedText("i".repeat(43), kept)));
    if (length > this.#rules.maxLength) throw tooLarge(length, this.#rules.maxLength, kept.fields);
    this.#kept = kept;
  }

  #in(ttlMs: number): number {
    return Math.ceil(this.#rules.clock.now() + ttlMs);
  }
}

/** Short names: each byte is sent with every request. The device is left out: nobody can list it. */
interface SealedJson {
  /** The id. */
  readonly i: string;
  /** Created at, milliseconds since the epoch. */
  readonly c: number;
  /** The user. */
  readonly u?: string;
  /** Authenticated at. */
  readonly a?: number;
  /** Seen at. */
  readonly s: number;
  /** Expires at, by idleness or at its absolute end. */
  readonly e: number;
  readonly f: Readonly<Record<string, unknown>>;
}

function sealedText(id: string, { fields, meta, seenAtMs, untilMs }: Kept): string {
  const { createdAtMs, userId, authenticatedAtMs } = meta;
  const known = { i: id, c: createdAtMs, u: userId, a: authenticatedAtMs, s: seenAtMs, e: untilMs };
  // Texts are put in as they are: as texts in a text every quote would count twice.
  const texts = [...fields].map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  return `${JSON.stringify(known).slice(0, -1)},"f":{${texts.join()}}}`;
}

function tooLarge(length: number, maxLength: number, fields: Fields): SessionError {
  const sizes = [...fields].map(([name, text]) => ({ name, bytes: Buffer.byteLength(text) }));
  const [largest] = sizes.sort((one, other) => other.bytes - one.bytes);
  return new SessionError(
    "SESSION_TOO_LARGE",
    `the session's cookie would have ${length} bytes, of ${maxLength} that browsers take; ` +
      (largest === undefined
        ? "its user id is too long"
        : `its largest field is "${largest.name}" with ${largest.bytes}`) +
      ": keep large things elsewhere, or use a store on a server",
  );
}
