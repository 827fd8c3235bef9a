/** A store that fails when a test says so: before it does anything, after it has done it, or by hanging. */

import type { SessionStore } from "./store.ts";

/** `lost-reply`: it is done, and the caller is told that it failed. */
export type StoreFault = "none" | "fail" | "hang" | "lost-reply";

export interface FaultySessionStore extends SessionStore {
  /** What happens to the calls from now on. */
  fault: StoreFault;
  /** The names of the methods that were called, in order. */
  readonly calls: (keyof SessionStore)[];
  /** Called, and awaited, before a call does anything: a barrier. */
  before: ((method: keyof SessionStore) => Promise<void> | undefined) | undefined;
}

export function faultySessionStore(store: SessionStore): FaultySessionStore {
  const calls: (keyof SessionStore)[] = [];
  const call = async <Result>(
    method: keyof SessionStore,
    work: () => Promise<Result>,
  ): Promise<Result> => {
    calls.push(method);
    await faulty.before?.(method);
    const { fault } = faulty;
    if (fault === "hang") await new Promise(() => {});
    if (fault === "fail") throw new Error("the store is out");
    const result = await work();
    if (fault === "lost-reply") throw new Error("the connection was lost");
    return result;
  };
  const faulty: FaultySessionStore = {
    name: store.name,
    fault: "none",
    calls,
    before: undefined,
    load: (key) => call("load", () => store.load(key)),
    create: (key, session) => call("create", () => store.create(key, session)),
    commit: (key, change, touch) => call("commit", () => store.commit(key, change, touch)),
    touch: (key, touch) => call("touch", () => store.touch(key, touch)),
    rotate: (from, to, meta, touch) => call("rotate", () => store.rotate(from, to, meta, touch)),
    destroy: (key) => call("destroy", () => store.destroy(key)),
  };
  return faulty;
}
