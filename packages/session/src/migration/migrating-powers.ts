/** What two stores can do together besides keeping sessions: what both can, and sweeping where one needs it. */

import {
  type Announcer,
  hasAnnouncer,
  hasListing,
  hasSweeper,
  hasUserEpochs,
  hasUserIndex,
  type Listing,
  type SessionListener,
  type SessionStore,
  type Sweeper,
  type UserEpochs,
  type UserIndex,
  type UserSession,
} from "../store.ts";

export type Powers = Partial<UserIndex & UserEpochs & Sweeper & Announcer & Listing>;

/** @param from asked first: what goes to the other meanwhile is found there. */
export function migratingPowers(from: SessionStore, to: SessionStore): Powers {
  return {
    ...(hasUserIndex(from) && hasUserIndex(to) && userIndex(from, to)),
    ...(hasUserEpochs(from) && hasUserEpochs(to) && userEpochs(from, to)),
    ...((hasSweeper(from) || hasSweeper(to)) && sweeper(from, to)),
    ...(hasAnnouncer(from) && hasAnnouncer(to) && announcer(from, to)),
    ...(hasListing(from) && hasListing(to) && listing(from, to)),
  };
}

function userIndex(from: UserIndex, to: UserIndex): UserIndex {
  return {
    async enlist(userId, key, ttlMs) {
      await Promise.all([from.enlist(userId, key, ttlMs), to.enlist(userId, key, ttlMs)]);
    },
    async strike(userId, key) {
      await Promise.all([from.strike(userId, key), to.strike(userId, key)]);
    },
    async ofUser(userId) {
      const found = new Map<string, UserSession>();
      for (const index of [from, to]) {
        for (const session of await index.ofUser(userId)) found.set(session.key, session);
      }
      return [...found.values()].sort((one, other) => other.seenAtMs - one.seenAtMs);
    },
  };
}

function userEpochs(from: UserEpochs, to: UserEpochs): UserEpochs {
  return {
    async epochOf(userId) {
      return Math.max(...(await Promise.all([from.epochOf(userId), to.epochOf(userId)])));
    },
    async raiseEpoch(userId, keepMs) {
      await Promise.all([from.raiseEpoch(userId, keepMs), to.raiseEpoch(userId, keepMs)]);
    },
    async forgetUser(userId) {
      await Promise.all([from.forgetUser(userId), to.forgetUser(userId)]);
    },
  };
}

function sweeper(from: object, to: object): Sweeper {
  return {
    async sweep(limit) {
      let removed = 0;
      for (const store of [from, to]) {
        if (hasSweeper(store) && removed < limit) removed += await store.sweep(limit - removed);
      }
      return removed;
    },
  };
}

function announcer(from: SessionStore & Announcer, to: SessionStore & Announcer): Announcer {
  return {
    announcesChanges: from.announcesChanges && to.announcesChanges,
    listen(listener) {
      const stopped = [from.listen(ofMoves(listener, to)), to.listen(listener)];
      return () => {
        for (const stop of stopped) stop();
      };
    },
  };
}

/** What has gone to the other store is not gone. */
function ofMoves(listener: SessionListener, to: SessionStore): SessionListener {
  return {
    changed: (key) => listener.changed?.(key),
    gap: () => listener.gap?.(),
    gone(key) {
      to.load(key).then(
        (found) => (found === undefined ? listener.gone?.(key) : listener.changed?.(key)),
        () => listener.gap?.(),
      );
    },
  };
}

function listing(from: Listing, to: Listing): Listing {
  return {
    async *keys() {
      const seen = new Set<string>();
      for (const store of [from, to]) {
        for await (const key of store.keys()) {
          if (!seen.has(key)) yield key;
          seen.add(key);
        }
      }
    },
  };
}
