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

export class FieldChanges {
  /** As the store has them, as far as is known. */
  #stored = new Map<string, string>();
  #isLoaded = false;
  /** Values that were given to the application or taken from it. */
  readonly #values = new Map<string, unknown>();
  readonly #deleted = new Set<string>();

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** What the store has. What was set or deleted before stays so. */
  load(fields: Fields): void {
    this.#stored = new Map(fields);
    this.#isLoaded = true;
  }

  /** There is nothing in the store, and what was changed is not wanted any more. */
  reset(): void {
    this.load(new Map());
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

  /** @throws SessionError `SESSION_VALUE`: a value that was handed out was made one that is not JSON. */
  delta(): FieldDelta {
    const set = new Map<string, string>();
    for (const [name, value] of this.#values) {
      const text = fieldText(name, value);
      if (text !== this.#stored.get(name)) set.set(name, text);
    }
    const del = [...this.#deleted].filter((name) => !this.#isLoaded || this.#stored.has(name));
    return { set, del };
  }

  /** Every field with its text, changes included. */
  all(): Map<string, string> {
    const all = new Map(this.#stored);
    const { set, del } = this.delta();
    for (const [name, text] of set) all.set(name, text);
    for (const name of del) all.delete(name);
    return all;
  }

  /** The store has taken this. */
  committed({ set, del }: FieldDelta): void {
    for (const [name, text] of set) this.#stored.set(name, text);
    for (const name of del) {
      this.#stored.delete(name);
      this.#deleted.delete(name);
    }
  }
}

export function isEmpty({ set, del }: FieldDelta): boolean {
  return set.size === 0 && del.length === 0;
}
