/** What a case works with: one store, and sessions that no other case knows. */

import { randomUUID } from "node:crypto";
import { systemClock } from "@headroom/core/clock";
import { newSessionId, rotatedSessionId, sessionKey } from "../session-id.ts";
import type { Change, Fields, NewSession, SessionMeta, SessionStore, Touch } from "../store.ts";

/** What the tester brings. */
export interface SessionStoreSetup {
  readonly store: SessionStore;
  /**
   * Lets so much time pass for the store.
   * @default waits
   */
  readonly pass?: ((ms: number) => Promise<void>) | undefined;
}

export interface SessionStoreCase {
  /** A sentence: what the store does. */
  readonly name: string;
  run(setup: SessionStoreSetup): Promise<void>;
}

export interface Bench {
  readonly store: SessionStore;
  pass(ms: number): Promise<void>;
  /** A key that nobody has used. */
  key(): string;
  /** Two keys of one session, before and after a rotation. */
  keys(): readonly [from: string, to: string];
  /** A user that nobody has used. */
  user(): string;
  /** Makes a session of these fields, that lives a minute. */
  create(
    key: string,
    fields?: Record<string, string>,
    meta?: Partial<SessionMeta>,
  ): Promise<boolean>;
  /** Its fields; undefined when it is gone. */
  fields(key: string): Promise<Record<string, string> | undefined>;
}

export const META: SessionMeta = { createdAtMs: 1_700_000_000_000 };
export const TOUCH: Touch = { seenAtMs: 1_700_000_000_000, ttlMs: 60_000 };

export function session(
  fields: Record<string, string> = {},
  meta?: Partial<SessionMeta>,
): NewSession {
  return { fields: texts(fields), meta: { ...META, ...meta }, ...TOUCH };
}

/** A change that sets these fields. */
export function setting(fields: Record<string, string>, expect?: Change["expect"]): Change {
  return { set: texts(fields), del: [], expect };
}

export function deleting(...del: string[]): Change {
  return { set: new Map(), del };
}

export function texts(fields: Record<string, string>): Fields {
  return new Map(Object.entries(fields));
}

/** @param run with what it needs of the store. */
export function sessionStoreCase(
  name: string,
  run: (bench: Bench) => Promise<void>,
): SessionStoreCase {
  return { name, run: (setup) => run(benchOf(setup)) };
}

function benchOf({ store, pass = (ms) => systemClock.sleep(ms) }: SessionStoreSetup): Bench {
  return {
    store,
    pass,
    key: () => sessionKey(newSessionId()),
    keys: () => {
      const id = newSessionId();
      return [sessionKey(id), sessionKey(rotatedSessionId(id))];
    },
    user: () => `user-${randomUUID()}`,
    create: (key, fields, meta) => store.create(key, session(fields, meta)),
    fields: async (key) => {
      const stored = await store.load(key);
      return stored && Object.fromEntries(stored.fields);
    },
  };
}
