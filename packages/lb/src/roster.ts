/**
 * Who exists.
 *
 * Targets come from the application and from a discovery. A target is recognised by its id: when a
 * refresh lists it again, its endpoint stays, with its health, latency, requests under way and
 * connections; only what is new joins, and only what is listed no more leaves. One that leaves keeps
 * its requests under way: the target itself is let go when the last of them is over.
 */

import { Endpoint, type EndpointRules } from "./endpoint.ts";
import { type PresentByPriority, presentByPriority } from "./rotation.ts";
import { requireTargets, type TargetOptions } from "./target.ts";

export interface RosterListener<T> {
  joined(endpoint: Endpoint<T>): void;
  left(endpoint: Endpoint<T>): void;
  /** It has left, and nothing uses it any more. */
  released(endpoint: Endpoint<T>): void;
}

export class Roster<T> {
  readonly #endpoints = new Map<string, Endpoint<T>>();
  readonly #rules: EndpointRules;
  readonly #listener: RosterListener<T>;
  #levels: PresentByPriority<T> | undefined;

  constructor(rules: EndpointRules, listener: RosterListener<T>) {
    this.#rules = rules;
    this.#listener = listener;
  }

  get size(): number {
    return this.#endpoints.size;
  }

  get(id: string): Endpoint<T> | undefined {
    return this.#endpoints.get(id);
  }

  [Symbol.iterator](): IterableIterator<Endpoint<T>> {
    return this.#endpoints.values();
  }

  /** By priority, without those that drain; the same arrays as long as nobody came or went. */
  get levels(): PresentByPriority<T> {
    this.#levels ??= presentByPriority(this);
    return this.#levels;
  }

  /** Somebody drains, or does so no longer. */
  presenceChanged(): void {
    this.#levels = undefined;
  }

  /** @throws RangeError when a target with that id is there; as `requireTargets`. */
  add(options: TargetOptions<T>, nowMs: number): void {
    requireTargets([options]);
    if (this.#endpoints.has(options.id)) {
      throw new RangeError(`a target with id "${options.id}" is there already`);
    }
    this.#join(options, "owner", nowMs);
  }

  /** @throws RangeError when no target has that id. */
  remove(id: string): void {
    this.#leave(this.require(id));
  }

  /** @throws RangeError when no target has that id. */
  require(id: string): Endpoint<T> {
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) throw new RangeError(`there is no target with id "${id}"`);
    return endpoint;
  }

  /** Takes a list for the whole truth about the targets that were discovered. */
  refresh(targets: readonly TargetOptions<T>[], nowMs: number): void {
    const listed = new Set(targets.map(({ id }) => id));
    for (const endpoint of [...this]) {
      if (endpoint.listedBy === "discovery" && !listed.has(endpoint.id)) this.#leave(endpoint);
    }
    for (const options of targets) {
      const known = this.#endpoints.get(options.id);
      if (known === undefined) this.#join(options, "discovery", nowMs);
      else if (known.listedBy === "discovery" && known.describe(options)) this.#levels = undefined;
    }
  }

  /** Lets the target go if it has left and nothing uses it. */
  settle(endpoint: Endpoint<T>): void {
    if (endpoint.hasLeft && endpoint.inFlight === 0) this.#listener.released(endpoint);
  }

  #join(options: TargetOptions<T>, listedBy: "owner" | "discovery", nowMs: number): void {
    const endpoint = new Endpoint(options, listedBy, nowMs, this.#rules);
    this.#endpoints.set(endpoint.id, endpoint);
    this.#levels = undefined;
    this.#listener.joined(endpoint);
  }

  #leave(endpoint: Endpoint<T>): void {
    this.#endpoints.delete(endpoint.id);
    endpoint.hasLeft = true;
    this.#levels = undefined;
    this.#listener.left(endpoint);
    this.settle(endpoint);
  }
}
