const NEVER = new Promise<never>(() => {});

/** What is open at the moment, and must be closed however the run ends. */
export class Lifetime {
  readonly #open: AsyncDisposableStack[] = [];
  #isClosed = false;

  /**
   * Runs `work` with a stack of its own and disposes it at the end. Never returns once `close` was
   * called: an interrupted run goes no further while it is being closed.
   */
  async within<T>(work: (resources: AsyncDisposableStack) => Promise<T>): Promise<T> {
    const resources = new AsyncDisposableStack();
    this.#open.push(resources);
    try {
      if (this.#isClosed) await NEVER;
      return await work(resources);
    } finally {
      await resources.disposeAsync();
      this.#open.splice(this.#open.indexOf(resources), 1);
      if (this.#isClosed) await NEVER;
    }
  }

  /** Disposes everything that is open, the newest first, while the work may still run. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const resources of this.#open.toReversed()) await resources.disposeAsync();
  }
}
