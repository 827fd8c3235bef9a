/**
 * Who may be picked at this moment, and in which proportion.
 *
 * Built anew whenever a target comes, goes, is ejected, returns, drains, or has grown in its slow
 * start; never changed. Three questions are answered here, so that a pick only has to look:
 *
 * 1. Which **priority**? Targets of priority 0 get everything as long as enough of them are healthy;
 *    what they cannot take spills over to priority 1, and so on (`priority-load.ts`).
 * 2. Is there **panic**? When less than half of a priority is healthy, those left would be crushed by
 *    the load of all; then health is ignored and everyone gets a share, the unhealthy too.
 * 3. Which **zone**? The own one, as far as it can carry its part (`zone-preference.ts`).
 *
 * What remains, which target of these, is the policy's.
 */

import { type HealthPolicy, weightAt } from "@headroom/core/health";
import { type Key, murmur3 } from "@headroom/hashing";
import type { Endpoint } from "./endpoint.ts";
import type { Picker, PickRequest, Policy } from "./policy.ts";
import { priorityLoad } from "./priority-load.ts";
import { localShare } from "./zone-preference.ts";

export interface RotationRules {
  readonly policy: Policy;
  readonly health: HealthPolicy;
  readonly panicThreshold: number;
  readonly overprovisioning: number;
  readonly zone: string | undefined;
}

/** Level, zone and target are chosen independently of each other, though by one key. */
const LEVEL_SEED = 0x6c766c;
const ZONE_SEED = 0x7a6f6e;

/** From 0 to below 1: the same for one key whenever it is asked, chance without one. */
function draw(key: Key | undefined, seed: number, random: () => number): number {
  return key === undefined ? random() : murmur3(key, seed) / 2 ** 32;
}

/** A slow start is followed in steps of this share of it. */
const SLOW_START_STEPS = 50;

export class Rotation<T> {
  readonly #levels: readonly Level<T>[];
  /** Set when one level takes everything: the common case. */
  readonly #only: Level<T> | undefined;
  /** From then on weights have grown, and another rotation must be built. */
  readonly staleMs: number;

  constructor(levels: readonly Level<T>[], staleMs: number) {
    this.#levels = levels;
    this.staleMs = staleMs;
    const loaded = levels.filter(({ load }) => load > 0);
    this.#only = loaded.length === 1 ? loaded[0] : undefined;
  }

  /** The priorities whose health is ignored. */
  get panics(): ReadonlySet<number> {
    const panicking = this.#levels.filter(({ panic }) => panic);
    return new Set(panicking.map(({ priority }) => priority));
  }

  get isPanicking(): boolean {
    return this.#levels.some(({ panic, load }) => panic && load > 0);
  }

  /**
   * The endpoint for this request. When all that would be right are excluded, one of another
   * priority; `undefined` when nobody in rotation is left.
   */
  pick(request: PickRequest<Endpoint<T>>, random: () => number): Endpoint<T> | undefined {
    const level = this.#only ?? this.#draw(request.key, random);
    const found = level?.pick(request, random);
    if (found !== undefined) return found;
    for (const other of this.#levels) {
      const instead = other === level ? undefined : other.pick(request, random);
      if (instead !== undefined) return instead;
    }
    return undefined;
  }

  #draw(key: Key | undefined, random: () => number): Level<T> | undefined {
    let left = 100 * draw(key, LEVEL_SEED, random);
    for (const level of this.#levels) {
      left -= level.load;
      if (left < 0) return level;
    }
    return undefined;
  }
}

/** The targets of one priority. */
class Level<T> {
  readonly priority: number;
  /** Of a hundred requests, how many. */
  readonly load: number;
  readonly panic: boolean;
  readonly #picker: Picker<Endpoint<T>> | undefined;
  /** The own zone's, for `#localShare` of the requests. */
  readonly #local: Picker<Endpoint<T>> | undefined;
  readonly #localShare: number;

  constructor(members: LevelMembers<T>, load: number, panic: boolean, rules: RotationRules) {
    this.priority = members.priority;
    this.load = load;
    this.panic = panic;
    const usable = panic ? members.present : members.available;
    const { policy } = rules;
    if (usable.length > 0) this.#picker = policy.picker(usable, members.present);
    const local = usable.filter(({ zone }) => zone === rules.zone);
    const isSplit = rules.zone !== undefined && !panic && local.length > 0;
    this.#localShare = isSplit ? zoneShare(members, rules) : 0;
    if (this.#localShare > 0) this.#local = policy.picker(local, members.present);
  }

  pick(request: PickRequest<Endpoint<T>>, random: () => number): Endpoint<T> | undefined {
    if (this.#local === undefined || draw(request.key, ZONE_SEED, random) >= this.#localShare) {
      return this.#picker?.pick(request);
    }
    return this.#local.pick(request) ?? this.#picker?.pick(request);
  }
}

interface LevelMembers<T> {
  readonly priority: number;
  /** All but those that drain. */
  readonly present: readonly Endpoint<T>[];
  readonly available: readonly Endpoint<T>[];
}

/** Remembers lists, so that policies see the same array for as long as nobody came or went. */
export type PresentByPriority<T> = ReadonlyMap<number, readonly Endpoint<T>[]>;

/** The targets that do not drain, by priority, the first priority first. */
export function presentByPriority<T>(endpoints: Iterable<Endpoint<T>>): PresentByPriority<T> {
  const levels = new Map<number, Endpoint<T>[]>();
  const present = [...endpoints].filter(({ isDraining }) => !isDraining);
  present.sort((a, b) => a.priority - b.priority || (a.id < b.id ? -1 : 1));
  for (const endpoint of present) {
    const level = levels.get(endpoint.priority);
    if (level === undefined) levels.set(endpoint.priority, [endpoint]);
    else level.push(endpoint);
  }
  return levels;
}

/** Who may be picked at `nowMs`. Writes the share of each endpoint as far as its slow start has got. */
export function buildRotation<T>(
  levels: PresentByPriority<T>,
  rules: RotationRules,
  nowMs: number,
): Rotation<T> {
  let isStarting = false;
  const members: LevelMembers<T>[] = [];
  for (const [priority, present] of levels) {
    for (const endpoint of present) {
      const share = weightAt(endpoint.health, nowMs, rules.health);
      // Out of rotation it has none; in panic it is used all the same, and then as a whole.
      endpoint.share = share === 0 ? 1 : share;
      isStarting ||= endpoint.share < 1;
    }
    members.push({ priority, present, available: present.filter((each) => each.isAvailable) });
  }
  const { loads, panics } = priorityLoad(
    members.map(({ present, available }) => ({
      healthyShare: available.length / present.length,
      size: present.length,
    })),
    rules,
  );
  const staleMs = isStarting
    ? nowMs + rules.health.slowStartMs / SLOW_START_STEPS
    : Number.POSITIVE_INFINITY;
  return new Rotation(
    members.map((each, at) => new Level(each, loads[at] ?? 0, panics[at] ?? false, rules)),
    staleMs,
  );
}

function zoneShare<T>(members: LevelMembers<T>, { zone, overprovisioning }: RotationRules): number {
  const weightOf = (endpoints: readonly Endpoint<T>[], isLocal: boolean): number =>
    endpoints.reduce(
      (sum, each) => ((each.zone === zone) === isLocal ? sum + each.weight : sum),
      0,
    );
  return localShare({
    localWeight: weightOf(members.present, true),
    localHealthyWeight: weightOf(members.available, true),
    remoteWeight: weightOf(members.present, false),
    remoteHealthyWeight: weightOf(members.available, false),
    overprovisioning,
  });
}
