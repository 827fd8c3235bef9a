/**
 * Consistent hashing with bounded loads: no node far above its part, even when one key is hot.
 *
 * A ring sends a key to its node however busy that node is. Here each node has a capacity, its part
 * of the present load times a factor, and a key goes clockwise to the first node that is below
 * its own. As long as nothing is overloaded that is the ring's own node; above it only the overflow
 * moves, always to the same next nodes, so a cache behind it stays warm.
 *
 * The capacity is rounded up and counts the key that is being placed, so the capacities add up to
 * more than the load and somebody always has room. That proof needs loads that are finite numbers;
 * ours come from the user, so when the walk ends without room, the least loaded node it met is taken.
 * The bound is then the best there is, and there is an answer for every load. (Implementations that
 * count on the proof panic "not enough room" where rounding breaks it.)
 *
 * Not guaranteed: the same key may be at two nodes at two moments, so this is for load, not for data.
 * The bound is on what `loadOf` reports: with several routers, each knows only its own.
 *
 * Source: V. Mirrokni, M. Thorup, M. Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016
 * (arXiv:1608.01350); capacities by weight are ours.
 */

import type { Key } from "./key.ts";
import type { PlacementNode } from "./node.ts";
import type { Ring } from "./ring.ts";

export interface BoundedLoadOptions {
  /**
   * How far above its part of the load a node may be: 1.25 is a quarter. Nearer to 1 is more even
   * and moves more keys from their node; 2 moves few.
   * @default 1.25
   */
  readonly balanceFactor?: number | undefined;
}

/**
 * The first node clockwise of `key` with `loadOf(node) < ⌈balanceFactor × (total load + 1) × its
 * share of the weights⌉`; if there is none, the least loaded for its weight. Linear in the nodes,
 * because it asks all for their load.
 *
 * @param loadOf what the node is carrying now, in any unit in which this key counts about 1: requests
 *   in flight, jobs, connections. Below 0 counts as 0. A node that reports `Infinity`, or nothing
 *   that is a number, is full, and is chosen only if all are.
 * @throws RangeError when `balanceFactor` is not a finite number of at least 1; TypeError when `key`
 *   is neither a string nor bytes.
 */
export function locateBounded<Node extends PlacementNode>(
  ring: Ring<Node>,
  key: Key,
  loadOf: (node: Node) => number,
  options: BoundedLoadOptions = {},
): Node {
  const capacityOfWeight = capacityPerWeight(ring, loadOf, options);
  let leastLoaded = ring.locate(key);
  let least = Number.POSITIVE_INFINITY;
  for (const node of ring.clockwise(key)) {
    const load = boundedLoad(loadOf(node));
    const weight = ring.weightOf(node);
    if (load < Math.ceil(capacityOfWeight * weight)) return node;
    if (load / weight < least) {
      leastLoaded = node;
      least = load / weight;
    }
  }
  return leastLoaded;
}

function capacityPerWeight<Node extends PlacementNode>(
  ring: Ring<Node>,
  loadOf: (node: Node) => number,
  options: BoundedLoadOptions,
): number {
  const { balanceFactor = 1.25 } = options;
  if (!Number.isFinite(balanceFactor) || balanceFactor < 1) {
    throw new RangeError(
      `balanceFactor must be a finite number of at least 1, got ${String(balanceFactor)}`,
    );
  }
  let totalLoad = 0;
  let totalWeight = 0;
  for (const node of ring.nodes) {
    const load = boundedLoad(loadOf(node));
    if (load === Number.POSITIVE_INFINITY) continue;
    totalLoad += load;
    totalWeight += ring.weightOf(node);
  }
  return (balanceFactor * (totalLoad + 1)) / totalWeight;
}

function boundedLoad(load: number): number {
  if (load > 0) return load;
  return load <= 0 ? 0 : Number.POSITIVE_INFINITY;
}
