/** What tests of eviction policies do with a store. */

import type { LocalStore } from "../src/local-store.ts";

/** Sets and reads, as `"a b a c"`: a key that is there is read, another one is set. */
export function request(store: LocalStore<object>, keys: string): void {
  for (const key of keys.split(" ")) {
    if (store.get(key) === undefined) store.set(key, {}, 1);
  }
}

/** Which of these keys are there, as `"a c"`. */
export function heldOf(store: LocalStore<object>, keys: string): string {
  return keys
    .split(" ")
    .filter((key) => store.peek(key) !== undefined)
    .join(" ");
}
