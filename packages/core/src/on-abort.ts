/**
 * Many who wait on one signal.
 *
 * The signal that a server aborts when it closes is shared by every call in flight. A listener for
 * each of them makes Node 20 warn of a leak from the eleventh on, and takes the longer to remove the
 * more there are: with ten thousand calls, each that ends walks through the list. So a signal gets
 * one listener, for as long as somebody waits, and those who wait are a set.
 */

interface Crowd {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const crowds = new WeakMap<AbortSignal, Crowd>();

/**
 * Calls `callback` when `signal` aborts; it must not have aborted yet. Callbacks are called in the
 * order in which they came, and must not throw. O(1), however many wait.
 *
 * @returns a function that takes the callback away. Calling it again does nothing.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const { callbacks, listener } = crowds.get(signal) ?? gather(signal);
  const call = (): void => callback(); // an identity of its own: one callback may wait twice
  callbacks.add(call);
  return () => {
    if (!callbacks.delete(call) || callbacks.size > 0) return;
    crowds.delete(signal);
    signal.removeEventListener("abort", listener);
  };
}

function gather(signal: AbortSignal): Crowd {
  const callbacks = new Set<() => void>();
  const listener = (): void => {
    for (const call of callbacks) call();
  };
  const crowd = { callbacks, listener };
  crowds.set(signal, crowd);
  signal.addEventListener("abort", listener, { once: true });
  return crowd;
}
