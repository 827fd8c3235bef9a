/** For tests of sessions: applications that share a store, as several processes do. */

import { createManualClock, type ManualClock } from "@headroom/core/testing";
import { type FaultySessionStore, faultySessionStore } from "../src/faulty-store.ts";
import { type MemoryStore, memoryStore } from "../src/memory-store.ts";
import type { Session } from "../src/session.ts";
import type { SessionsOptions } from "../src/session-rules.ts";
import { createSessions, type Sessions } from "../src/sessions.ts";

export interface Fields {
  cart: string[];
  n: number;
  [name: string]: unknown;
}

export interface Fixture {
  readonly clock: ManualClock;
  readonly store: MemoryStore;
  /** The store as the application sees it, without the powers that are not of every store. */
  readonly faulty: FaultySessionStore;
  /** An application with `store`, or with what `options` say. */
  app(options?: Partial<SessionsOptions>): Sessions<Fields>;
}

export const SECRETS: readonly string[] = ["fixture".padEnd(32, "-")];

export function fixture(): Fixture {
  const clock = createManualClock();
  const store = memoryStore({ clock });
  return {
    clock,
    store,
    faulty: faultySessionStore(store),
    app: (options = {}) => createSessions<Fields>({ store, secrets: SECRETS, clock, ...options }),
  };
}

/** What a browser sends after it was given this. */
export function cookieOf(session: Session<Fields>): string {
  const [cookie = ""] = (session.takeCookie() ?? "").split(";");
  return cookie;
}

/** A stored session, as a browser has it. */
export async function stored(app: Sessions<Fields>, fields: Partial<Fields> = {}): Promise<string> {
  const session = app.open(undefined);
  for (const [name, value] of Object.entries({ n: 0, ...fields })) session.set(name, value);
  await session.save();
  return cookieOf(session);
}
