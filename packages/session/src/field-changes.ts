/**
 * The fields of one session as one request sees them, and what it has changed.
 *
 * A field is parsed when it is first asked for, and only what was handed out can have been changed:
 * at the end its text is made again and compared. That also finds `(await session.get("cart")).push(item)`,
 * which no setter sees, and costs nothing for the fields that nobody looked at, however large they are.
 */

import { fieldText, fieldValue } from "./field-text.ts";
import type { Fields } from "./store.ts";

export interface FieldDelta {
  readonly set: Fields;
  readonly del: readonly string[];
}

export function isEmpty({ set, del }: FieldDelta): boolean {
  return set.size === 0 && del.length === 0;
}

const NO_FIELDS: Fields = new Map();

export class FieldChanges {
  /** As the store has them, as far as is known. */
  #stored: Fields = NO_FIELDS;
  #isLoaded = false;
  /** Values that were given to the application or taken from it. */
  readonly #values = new Map<string, unknown>();
  readonly #deleted = new Set<string>();

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** What the store has. What was set or deleted before stays so. */
  load(fields: Fields): void {
    this.#stored = fields;
    this.#isLoaded = true;
  }

  /** There is nothing in the store, and what was changed is not wanted any more. */
  reset(): void {
    this.load(NO_FIELDS);
    this.#values.clear();
    this.#deleted.clear();
  }

  /** Whether the value can be told without loading. */
  knows(name: string): boolean {
    return this.#isLoaded || this.#values.has(name) || this.#deleted.has(name);
  }

  get(name: string): unknown {
    if (this.#values.has(name)) return this.#values.get(name);
    const text = this.#deleted.has(name) ? undefined : this.#stored.get(name);
    if (text === undefined) return undefined;
    const value = fieldValue(text);
    this.#values.set(name, value);
    return value;
  }

  /** The text that the store has for it. */
  storedText(name: string): string | undefined {
    return this.#stored.get(name);
  }

  /** @throws SessionError `SESSION_VALUE`: it cannot be stored. */
  set(name: string, value: unknown): void {
    fieldText(name, value);
    this.#deleted.delete(name);
    this.#values.set(name, value);
  }

  delete(name: string): void {
    this.#values.delete(name);
    this.#deleted.add(name);
  }

  /** What was handed out or set under this name is not wanted any more. */
  forget(name: string): void {
    this.#values.delete(name);
    this.#deleted.delete(name);
  }

  names(): string[] {
    const names = new Set([...this.#stored.keys(), ...this.#values.keys()]);
    for (const name of this.#deleted) names.delete(name);
    return [...names];
  }

  /**
   * Whether `delta` would be empty.
   * @throws SessionError `SESSION_VALUE`: a value that was handed out was made one that is not JSON.
   */
  get areChanged(): boolean {
    for (const [name, value] of this.#values) {
      if (fieldText(name, value) !== this.#stored.get(name)) return true;
    }
    for (const name of this.#deleted) if (!this.#isLoaded || this.#stored.has(name)) return true;
    return false;
  }

  /** @throws SessionError `SESSION_VALUE`, as `areChanged`. */
  delta(): FieldDelta {
    const set = new Map<string, string>();
    for (const [name, value] of this.#values) {
      const text = fieldText(name, value);
      if (text !== this.#stored.get(name)) set.set(name, text);
    }
    const del = [...this.#deleted].filter((name) => !this.#isLoaded || this.#stored.has(name));
    return { set, del };
  }

  /** Every field with its text, with the changes of `delta`. */
  all({ set, del }: FieldDelta): Map<string, string> {
    const all = new Map(this.#stored);
    for (const [name, text] of set) all.set(name, text);
    for (const name of del) all.delete(name);
    return all;
  }

  /** The store has taken this. */
  committed(delta: FieldDelta): void {
    // A copy: what was loaded may be in the hands of others too.
    this.#stored = this.all(delta);
    for (const name of delta.del) this.#deleted.delete(name);
  }
}
