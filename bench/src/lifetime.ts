/** What is open at the moment, and must be closed however the run ends. */
export class Lifetime {
  readonly #open: AsyncDisposableStack[] = [];

  /** Runs `work` with a stack of its own and disposes it at the end. */
  async within<T>(work: (resources: AsyncDisposableStack) => Promise<T>): Promise<T> {
    const resources = new AsyncDisposableStack();
    this.#open.push(resources);
    try {
      return await work(resources);
    } finally {
      await resources.disposeAsync();
      this.#open.splice(this.#open.indexOf(resources), 1);
    }
  }

  /** Disposes everything that is open, the newest first, while the work may still run. */
  async close(): Promise<void> {
    for (const resources of this.#open.toReversed()) await resources.disposeAsync();
  }
}
