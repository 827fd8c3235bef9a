/**
 * Many who wait on one signal.
 *
 * The signal that a server aborts when it closes is shared by every call in flight. A listener for
 * each of them makes Node 20 warn of a leak from the eleventh on, and takes longer to remove the
 * more there are: with ten thousand calls, each that ends walks through the list. So a signal gets
 * one listener, as long as somebody waits, and the waiting ones are a set.
 */

/** The callbacks of each signal somebody waits on. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback` when `signal` aborts, which must not have happened yet. Callbacks are called in
 * the order in which they came, and must not throw. O(1).
 *
 * @returns a function that takes the callback away again; calling it twice does nothing.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const callbacks = waiting.get(signal) ?? startWaiting(signal);
  const call = (): void => callback(); // so that one callback may wait twice
  callbacks.add(call);
  return () => {
    callbacks.delete(call);
    ...
  };
}
