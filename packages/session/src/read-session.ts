/**
 * What the store has of a session, or what is done when it cannot be asked.
 *
 * A session past its absolute end, or of a user all of whose sessions were ended, is none, whatever
 * the store says; it is removed on the way.
 */

import { sessionLoad } from "@headroom/core/channels";
import type { SessionContext } from "./session-context.ts";
import { isOver } from "./session-lifetime.ts";
import type { SessionStore, StoredSession } from "./store.ts";

export interface Reading {
  /** Undefined: there is none, or nobody knows. */
  readonly stored: StoredSession | undefined;
  /** False: the store was out, and the policy is to go on without it. */
  readonly isCertain: boolean;
}

/** @throws SessionError `SESSION_TIMEOUT` or `SESSION_STORE_FAILED` by the policy `fail`. */
export async function readSession(
  context: SessionContext,
  store: SessionStore,
  key: string,
): Promise<Reading> {
  const { rules, users, lastKnown } = context;
  let stored: StoredSession | undefined;
  let isRevoked = false;
  try {
    stored = await sessionLoad.trace(
      () => ({ store: rules.name }),
      () => store.load(key),
    );
    if (stored !== undefined && users.heedsEpochs) isRevoked = await users.isRevoked(stored.meta);
  } catch (error) {
    if (rules.onStoreError === "fail") throw error;
    return { stored: lastKnown?.get(key), isCertain: false };
  }
  if (stored !== undefined && (isRevoked || isOver(rules, stored.meta))) {
    // If that fails it is found to be over again.
    store.destroy(key).catch(() => {});
    stored = undefined;
  }
  if (stored !== undefined) lastKnown?.set(key, stored);
  else lastKnown?.delete(key);
  return { stored, isCertain: true };
}
