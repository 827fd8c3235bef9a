/**
 * A store in which one session may still be another library's: it is taken over when it is needed.
 *
 * It gets the key that its id has here, and then is removed there, so that it ends when it ends here.
 * Several servers may do that at once: one makes it here, the others find it. Whoever has made it and
 * finds it gone there has come too late (it was taken over, and ended, by others meanwhile) and takes
 * it back: a logout beside an adoption is not undone.
 *
 *     load     load; if there is none: load there, create, destroy there, load
 *     rotate   rotate, destroy there
 *     destroy  destroy there, destroy
 */

import { sessionKey } from "../session-id.ts";
import type { NewSession, SessionStore, StoredSession } from "../store.ts";
import type { ForeignSessions } from "./foreign-sessions.ts";

export interface Adoption {
  /** Its id there, and here. */
  readonly id: string;
  readonly from: ForeignSessions;
  /** What it is here; called before it is made. */
  readonly made: (data: Readonly<Record<string, unknown>>) => NewSession | Promise<NewSession>;
}

export function adoptingStore(store: SessionStore, { id, from, made }: Adoption): SessionStore {
  const own = sessionKey(id);

  const adopt = async (): Promise<StoredSession | undefined> => {
    const data = await from.load(id);
    if (data !== undefined) {
      const isMine = await store.create(own, await made(data));
      if (isMine && !(await from.destroy(id))) {
        await store.destroy(own);
        return undefined;
      }
    }
    // Without data too: others may have been quicker.
    return store.load(own);
  };

  return {
    name: store.name,
    create: (key, session) => store.create(key, session),
    touch: (key, touch) => store.touch(key, touch),
    async load(key) {
      return (await store.load(key)) ?? (key === own ? adopt() : undefined);
    },
    async commit(key, change, touch) {
      const result = await store.commit(key, change, touch);
      if (result !== "gone" || key !== own || (await adopt()) === undefined) return result;
      return store.commit(key, change, touch);
    },
    async rotate(key, to, meta, touch) {
      let isDone = await store.rotate(key, to, meta, touch);
      if (key !== own) return isDone;
      if (!isDone && (await adopt()) !== undefined) {
        isDone = await store.rotate(key, to, meta, touch);
      }
      await from.destroy(id);
      return isDone;
    },
    async destroy(key) {
      // There first: who is taking it over finds that out, and takes back what is made meanwhile.
      const existed = key === own && (await from.destroy(id));
      return (await store.destroy(key)) || existed;
    },
  };
}
