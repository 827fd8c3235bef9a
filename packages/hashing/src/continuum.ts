/**
 * A circle of 2^32 positions with points on it: whose is the first point at or after a position?
 *
 * This is what every ring is made of; where the points lie is the business of `ring.ts` and
 * `ketama.ts`. An owner is a number here, its place in the list of nodes.
 *
 * The points are sorted, and the usual way to search them is by halves: 14 steps for 100 nodes, each
 * a branch the processor cannot guess. But the positions are hashes, so they lie evenly: cut the
 * circle into about as many buckets as there are points, note for each where its points begin, and
 * the answer is at most a few places further. The same cut sorts the points in the first place,
 * since a point's bucket is very nearly its rank. Both are linear *because* the points are even: for
 * points that are not hashes this would be the wrong structure.
 *
 * Points of two owners may fall on one position. All are kept, the lowest owner first, and that one
 * wins; so the result does not depend on the order of insertion, and taking the winner away
 * gives the position to the other.
 */

/** With buckets a point costs 10 to 14 bytes, so these are 42 MB. */
export const MAX_POINTS: number = 2 ** 22;

/** One past the last position of the circle. */
export const CIRCLE: number = 2 ** 32;

/** So many are found faster by looking through a list than by a set and a generator. */
const FEW = 16;

type Owners = Uint16Array | Uint32Array;

/** The positions from `start` up to, not including, `end` belong to `owner`. */
export interface OwnedRange {
  readonly start: number;
  readonly end: number;
  readonly owner: number;
}

export class Continuum {
  readonly #points: Uint32Array;
  readonly #owners: Owners;
  readonly #ownerCount: number;
  /** For each bucket, the index of the first point that is not before it. */
  readonly #firsts: Uint32Array;
  readonly #bucketShift: number;

  /** Takes the points in any order, at least one, each with its owner below `ownerCount`. */
  constructor(points: Uint32Array, owners: Owners, ownerCount: number) {
    const count = points.length;
    const bucketBits = Math.max(1, Math.ceil(Math.log2(count)));
    this.#bucketShift = 32 - bucketBits;
    this.#firsts = bucketStarts(points, bucketBits);
    this.#ownerCount = ownerCount;
    this.#points = new Uint32Array(count + 1);
    this.#owners = createOwners(count + 1, ownerCount);
    this.#distribute(points, owners);
    sortNeighbours(this.#points, this.#owners, count);
    // The circle is closed by one more point at its end: no lookup has to ask whether it wraps.
    this.#points[count] = CIRCLE - 1;
    this.#owners[count] = this.#owners[0] as number;
  }

  #distribute(points: Uint32Array, owners: Owners): void {
    const next = this.#firsts.slice();
    for (let i = 0; i < points.length; i++) {
      const point = points[i] as number;
      const bucket = point >>> this.#bucketShift;
      const place = next[bucket] as number;
      next[bucket] = place + 1;
      this.#points[place] = point;
      this.#owners[place] = owners[i] as number;
    }
  }

  /** The number of points. */
  get size(): number {
    return this.#points.length - 1;
  }

  /** The owner of the first point at or after `position` (0 to 2^32 - 1), clockwise. */
  ownerAt(position: number): number {
    return this.#owners[this.#indexAt(position)] as number;
  }

  #indexAt(position: number): number {
    const points = this.#points;
    let index = this.#firsts[position >>> this.#bucketShift] as number;
    while ((points[index] as number) < position) index++;
    return index;
  }

  /** Every owner that has a point, once, in the order their points follow `position` clockwise. */
  *ownersFrom(position: number): Generator<number, void, undefined> {
    const met = new Set<number>();
    const first = this.#indexAt(position);
    for (let step = 0; step < this.size; step++) {
      const owner = this.#owners[(first + step) % this.size] as number;
      if (met.has(owner)) continue;
      met.add(owner);
      yield owner;
    }
  }

  /** The first `count` of {@link ownersFrom}, or all. */
  firstOwners(position: number, count: number): number[] {
    const found: number[] = [];
    const wanted = Math.min(count, this.#ownerCount);
    if (wanted > FEW) {
      for (const owner of this.ownersFrom(position)) {
        found.push(owner);
        if (found.length === wanted) break;
      }
      return found;
    }
    let index = this.#indexAt(position);
    // One step more than points: it may begin at the one that closes the circle, the first's double.
    for (let left = this.size + 1; left > 0 && found.length < wanted; left--) {
      const owner = this.#owners[index] as number;
      if (!found.includes(owner)) found.push(owner);
      index = index + 1 < this.size ? index + 1 : 0;
    }
    return found;
  }

  /** The whole circle from 0 to 2^32, in order; neighbours have different owners. */
  *ranges(): Generator<OwnedRange, void, undefined> {
    let owner = this.#owners[0] as number;
    let start = 0;
    let end = 0;
    for (let i = 0; i <= this.size; i++) {
      // Of several points on one position the first has it.
      if (i > 0 && this.#points[i] === this.#points[i - 1]) continue;
      if (this.#owners[i] !== owner) {
        yield { start, end, owner };
        owner = this.#owners[i] as number;
        start = end;
      }
      end = (this.#points[i] as number) + 1;
    }
    yield { start, end, owner };
  }

  /** With the points of one more owner, who becomes number `owner`; those from there on move up. */
  insert(owner: number, points: Uint32Array): Continuum {
    const kept = this.size;
    const ownerCount = this.#ownerCount + 1;
    const allPoints = new Uint32Array(kept + points.length);
    allPoints.set(this.#points.subarray(0, kept));
    allPoints.set(points, kept);
    const allOwners = createOwners(allPoints.length, ownerCount).fill(owner, kept);
    for (let i = 0; i < kept; i++) {
      const old = this.#owners[i] as number;
      allOwners[i] = old < owner ? old : old + 1;
    }
    return new Continuum(allPoints, allOwners, ownerCount);
  }

  /** Without the points of `owner`; the owners after it move down. */
  remove(owner: number): Continuum {
    const points = new Uint32Array(this.size);
    const owners = createOwners(this.size, this.#ownerCount);
    let kept = 0;
    for (let i = 0; i < this.size; i++) {
      const old = this.#owners[i] as number;
      if (old === owner) continue;
      points[kept] = this.#points[i] as number;
      owners[kept] = old < owner ? old : old - 1;
      kept++;
    }
    return new Continuum(points.subarray(0, kept), owners.subarray(0, kept), this.#ownerCount - 1);
  }
}

/** The circle on which owner `i` has the points `pointsByOwner[i]`; some owner has one. */
export function createContinuum(pointsByOwner: readonly Uint32Array[]): Continuum {
  let count = 0;
  for (const points of pointsByOwner) count += points.length;
  const all = new Uint32Array(count);
  const owners = createOwners(count, pointsByOwner.length);
  let at = 0;
  for (const [owner, points] of pointsByOwner.entries()) {
    all.set(points, at);
    owners.fill(owner, at, at + points.length);
    at += points.length;
  }
  return new Continuum(all, owners, pointsByOwner.length);
}

function createOwners(length: number, ownerCount: number): Owners {
  return ownerCount <= 2 ** 16 ? new Uint16Array(length) : new Uint32Array(length);
}

/** Counts the points of each bucket and adds the counts up. */
function bucketStarts(points: Uint32Array, bucketBits: number): Uint32Array {
  const starts = new Uint32Array(2 ** bucketBits);
  for (const point of points) {
    const bucket = point >>> (32 - bucketBits);
    starts[bucket] = (starts[bucket] as number) + 1;
  }
  let before = 0;
  for (let bucket = 0; bucket < starts.length; bucket++) {
    const count = starts[bucket] as number;
    starts[bucket] = before;
    before += count;
  }
  return starts;
}

/** An insertion sort by point, then owner: the few points of a bucket are all that is in disorder. */
function sortNeighbours(points: Uint32Array, owners: Owners, count: number): void {
  for (let i = 1; i < count; i++) {
    const point = points[i] as number;
    const owner = owners[i] as number;
    let place = i;
    for (; place > 0; place--) {
      const before = points[place - 1] as number;
      if (before < point || (before === point && (owners[place - 1] as number) <= owner)) break;
      points[place] = before;
      owners[place] = owners[place - 1] as number;
    }
    points[place] = point;
    owners[place] = owner;
  }
}
