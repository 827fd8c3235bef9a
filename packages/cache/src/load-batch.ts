/**
 * One call of `loadMany` for all keys of one `getMany` that must be loaded.
 *
 * Which ones that are turns out one by one: a key may be in the process, in the store, or be loaded
 * by another process. So each member either joins the batch or leaves it, exactly once, and when
 * the last one has said so the batch is loaded. Who comes later, because it waited for another
 * process first, is loaded alone.
 */

import type { Loading } from "./loading.ts";

/** Loads many, by identity; what is missing in the answer does not exist. */
export type LoadMany<Id> = (
  ids: readonly Id[],
  context: { readonly signal: AbortSignal },
) => Promise<ReadonlyMap<Id, unknown>> | ReadonlyMap<Id, unknown>;

interface Waiting<Id> {
  readonly id: Id;
  readonly context: Loading;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

export class LoadBatch<Id> {
  readonly #loadMany: LoadMany<Id>;
  readonly #joined: Waiting<Id>[] = [];
  #undecided = 0;

  constructor(loadMany: LoadMany<Id>) {
    this.#loadMany = loadMany;
  }

  /** Before anybody joins or leaves, all members are made. */
  member(id: Id): BatchMember {
    this.#undecided++;
    let decided = false;
    const decide = (): boolean => {
      if (decided) return false;
      decided = true;
      this.#undecided--;
      return true;
    };
    return {
      load: (context) => {
        const inTime = decide();
        return new Promise((resolve, reject) => {
          const waiting = { id, context, resolve, reject };
          if (!inTime) return this.#load([waiting]);
          this.#joined.push(waiting);
          this.#loadWhenDecided();
        });
      },
      leave: () => {
        if (decide()) this.#loadWhenDecided();
      },
    };
  }

  #loadWhenDecided(): void {
    if (this.#undecided === 0 && this.#joined.length > 0) this.#load(this.#joined.splice(0));
  }

  #load(members: readonly Waiting<Id>[]): void {
    const controller = new AbortController();
    let waiting = members.length;
    for (const { context } of members) {
      // Given up when nobody waits for any of it any more.
      const leave = (): void => {
        waiting--;
        if (waiting === 0) controller.abort(context.signal.reason);
      };
      context.signal.addEventListener("abort", leave, { once: true });
    }
    const load = async (): Promise<ReadonlyMap<Id, unknown>> =>
      this.#loadMany(
        members.map(({ id }) => id),
        { signal: controller.signal },
      );
    load()
      .then(requireMap)
      .then(
        (values) => {
          for (const { id, resolve, reject } of members) {
            const value = values.get(id);
            if (value instanceof Error) reject(value);
            else resolve(value);
          }
        },
        (reason) => {
          for (const { reject } of members) reject(reason);
        },
      );
  }
}

export interface BatchMember {
  load(context: Loading): Promise<unknown>;
  leave(): void;
}

function requireMap<Id>(values: ReadonlyMap<Id, unknown>): ReadonlyMap<Id, unknown> {
  if (typeof values?.get === "function") return values;
  throw new TypeError("loadMany must return a Map from the ids it was given to values");
}
