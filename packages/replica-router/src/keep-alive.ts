/**
 * Keeps the process alive while a statement of the application waits for something that does not.
 *
 * Servers are looked at over sockets, and at times, that let a process end whose application has
 * finished. But an application that awaits its first query, before it listens, has not finished: with
 * nothing else open Node would end it in silence, in the middle of that `await`.
 */

import { MessageChannel, type MessagePort } from "node:worker_threads";

export class KeepAlive {
  #waiting = 0;
  /** The smallest thing that holds a process, and is no timer. */
  #port: MessagePort | undefined;

  /** What `waiting` gives; until then the process stays. */
  async during<Result>(waiting: Promise<Result>): Promise<Result> {
    if (this.#waiting++ === 0) this.#hold();
    try {
      return await waiting;
    } finally {
      if (--this.#waiting === 0) this.#port?.unref();
    }
  }

  #hold(): void {
    this.#port ??= new MessageChannel().port1;
    this.#port.ref();
  }
}
