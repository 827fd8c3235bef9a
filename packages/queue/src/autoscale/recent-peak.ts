/** The highest of what was said of late: who shrinks by it waits until the need has been less for a while. */
export class RecentPeak {
  readonly #windowMs: number;
  readonly #said: { readonly value: number; readonly atMs: number }[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** @returns the highest within the window, this one included. O(1) amortised. */
  add(value: number, nowMs: number): number {
    // What is older and not higher will never be the highest again.
    while ((this.#said.at(-1)?.value ?? Number.POSITIVE_INFINITY) <= value) this.#said.pop();
    this.#said.push({ value, atMs: nowMs });
    while ((this.#said[0]?.atMs ?? nowMs) < nowMs - this.#windowMs) this.#said.shift();
    return this.#said[0]?.value ?? value;
  }
}
