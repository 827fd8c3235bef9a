/**
 * What this process knows of the clock of tags of one partition, and the guards of its own copies.
 *
 * A copy in the process holds one {@link Guard} for each of its tags. Bumping a tag breaks its
 * guard, so that a thousand copies are invalid at once, and a read sees it by looking at a few
 * booleans. A broken guard never mends; whoever stores next gets a new one.
 *
 * Invariants
 *
 * - **A guard knows at least the latest bump that any message told**, and knowledge only grows: an
 *   answer that was under way while a message came in cannot take it back.
 * - **Forgetting is a bump.** A tag that is pushed out of the registry counts as bumped when it was
 *   (`#floor`), and its guard breaks.
 * - **Only while trusted may the registry answer for the store.** From a gap of the bus on, each
 *   check asks the store, and all guards of the time before are broken.
 *
 * The sequence is different: an old one is safe. It is taken before a load, and says "what was
 * bumped up to here, was bumped before this load began", which stays true.
 */

import { LRUCache } from "lru-cache";
import type { TagReading } from "./store.ts";

/** One tag as one generation of copies depends on it. */
export interface Guard {
  /** True from the moment its tag was bumped: what depends on it is not valid any more. */
  readonly broken: boolean;
}

interface TagState extends Guard {
  broken: boolean;
  /** The number of its latest bump. */
  bumpedAt: number;
}

/** Asks the store for the clock of this partition. */
type AskStore = (tags: readonly string[]) => Promise<TagReading>;

const MOST_TAGS = 10_000;

export class TagRegistry {
  readonly #ask: AskStore;
  readonly #states: LRUCache<string, TagState>;
  /** Bumped here, and not yet in the store: nothing that has one of these is valid. */
  readonly #pending = new Set<string>();
  #sequence = -1;
  /** What is not in `#states` was bumped then or before. */
  #floor = -1;
  #trusted = false;
  /** An answer of the store to a question of an earlier era may lack what happened since. */
  #era = 0;

  /** @param most how many tags are kept. */
  constructor(ask: AskStore, most: number = MOST_TAGS) {
    this.#ask = ask;
    this.#states = new LRUCache<string, TagState>({
      max: most,
      noDisposeOnSet: true,
      dispose: (state, _tag, reason) => {
        state.broken = true;
        if (reason === "evict") this.#floor = Math.max(this.#floor, state.bumpedAt);
      },
    });
  }

  /** Whether each bump of another process arrives here. */
  get trusted(): boolean {
    return this.#trusted;
  }

  /** From now on each bump arrives; what was known before may have missed some. */
  trust(): void {
    this.distrust();
    this.#trusted = true;
  }

  /** Bumps may be missed from now on. Every copy is invalid. */
  distrust(): void {
    this.#era++;
    this.#trusted = false;
    this.#floor = -1;
    this.#states.clear();
  }

  /** The number to take before a load; -1 when none is known yet. */
  get knownSequence(): number {
    return this.#sequence;
  }

  /** The number to take before a load. Asks the store only when none is known yet. */
  async sequence(): Promise<number> {
    if (this.#sequence < 0) await this.#reading([]);
    return this.#sequence;
  }

  /**
   * The guards of these tags if what was loaded at `sequence` is valid, else undefined.
   * Asks the store for what is not known for certain.
   */
  async guards(tags: readonly string[], sequence: number): Promise<readonly Guard[] | undefined> {
    for (;;) {
      const known = this.knownGuards(tags, sequence);
      if (known !== "ask") return known;
      const era = this.#era;
      const reading = await this.#reading(tags);
      if (era !== this.#era) continue;
      const states = tags.map((tag, index) =>
        this.#learn(tag, reading.bumps[index] ?? reading.floor),
      );
      return this.#valid(states, tags, sequence) ? states : undefined;
    }
  }

  /** As `guards`, but says when the store must be asked. */
  knownGuards(tags: readonly string[], sequence: number): readonly Guard[] | undefined | "ask" {
    if (!this.#trusted) return "ask";
    const states: TagState[] = [];
    for (const tag of tags) {
      const state = this.#states.get(tag);
      if (state === undefined) return "ask";
      states.push(state);
    }
    return this.#valid(states, tags, sequence) ? states : undefined;
  }

  /** Guards without a verdict: for copies that are kept while the store is out. */
  provisionalGuards(tags: readonly string[]): readonly Guard[] {
    return tags.map((tag) => this.#learn(tag, this.#floor));
  }

  /** These tags are to be bumped: their copies are invalid, and nothing of them is valid until `bumped`. */
  bumping(tags: readonly string[]): void {
    for (const tag of tags) {
      this.#pending.add(tag);
      this.#states.delete(tag);
    }
  }

  /** These tags have been bumped, here or elsewhere. */
  bumped(tags: readonly string[], sequence: number): void {
    for (const tag of tags) {
      const state = this.#states.peek(tag);
      if (state !== undefined && state.bumpedAt >= sequence) continue;
      if (state !== undefined) state.broken = true;
      this.#states.set(tag, { broken: false, bumpedAt: sequence });
    }
    this.#sequence = Math.max(this.#sequence, sequence);
  }

  /** What `bumping` announced has been done; as `bumped`. */
  bumpDone(tags: readonly string[], sequence: number): void {
    for (const tag of tags) this.#pending.delete(tag);
    this.bumped(tags, sequence);
  }

  async #reading(tags: readonly string[]): Promise<TagReading> {
    const reading = await this.#ask(tags);
    this.#sequence = Math.max(this.#sequence, reading.sequence);
    return reading;
  }

  #learn(tag: string, bump: number): TagState {
    const bumpedAt = Math.max(bump, this.#floor);
    const state = this.#states.get(tag);
    if (state !== undefined && state.bumpedAt >= bumpedAt) return state;
    if (state !== undefined) state.broken = true;
    const learnt = { broken: false, bumpedAt };
    this.#states.set(tag, learnt);
    return learnt;
  }

  #valid(states: readonly TagState[], tags: readonly string[], sequence: number): boolean {
    return (
      states.every((state) => !state.broken && state.bumpedAt <= sequence) &&
      (this.#pending.size === 0 || !tags.some((tag) => this.#pending.has(tag)))
    );
  }
}

/** The registry of a process that shares nothing: it is itself the clock. */
export function createOwnTags(most?: number): TagRegistry {
  const registry: TagRegistry = new TagRegistry(
    async (tags) => ({ partition: 0, sequence: 0, floor: 0, bumps: tags.map(() => undefined) }),
    most,
  );
  registry.trust();
  registry.bumped([], 0);
  return registry;
}
