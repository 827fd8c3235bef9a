/**
 * A binary heap that forgets lazily.
 *
 * Much of what waits in a queue is taken back before its turn comes: a job is cancelled, a lease
 * extended. To find it in the middle would cost O(n), so it stays, and is dropped when it gets to
 * the top: `alive` says whether an element still counts.
 */
export class PriorityHeap<Element> {
  readonly #before: (one: Element, other: Element) => boolean;
  readonly #alive: (element: Element) => boolean;
  readonly #elements: Element[] = [];

  constructor(
    before: (one: Element, other: Element) => boolean,
    alive: (element: Element) => boolean = () => true,
  ) {
    this.#before = before;
    this.#alive = alive;
  }

  /** O(log n). */
  push(element: Element): void {
    const elements = this.#elements;
    let at = elements.length;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = elements[parentAt];
      if (parent === undefined || !this.#before(element, parent)) break;
      elements[at] = parent;
      at = parentAt;
    }
    elements[at] = element;
  }

  /** The first of those alive; it stays. O(log n) for each that is not. */
  peek(): Element | undefined {
    for (;;) {
      const first = this.#elements[0];
      if (first === undefined || this.#alive(first)) return first;
      this.#removeFirst();
    }
  }

  /** Takes the first of those alive. */
  pop(): Element | undefined {
    const first = this.peek();
    if (first !== undefined) this.#removeFirst();
    return first;
  }

  #removeFirst(): void {
    const elements = this.#elements;
    const last = elements.pop();
    if (last === undefined || elements.length === 0) return;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = elements[childAt];
      if (child === undefined) break;
      const right = elements[childAt + 1];
      if (right !== undefined && this.#before(right, child)) {
        child = right;
        childAt++;
      }
      if (!this.#before(child, last)) break;
      elements[at] = child;
      at = childAt;
    }
    elements[at] = last;
  }
}
