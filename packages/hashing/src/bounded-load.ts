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
 * ours come from the user and their sum is rounded, so when the walk ends without room, the least
 * loaded node is taken. There is an answer for every load. (Implementations that count on the proof
 * panic "not enough room" where rounding breaks it.)
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
 * because it asks each for its load, once.
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
  const { balanceFactor = 1.25 } = options;
  requireFactor(balanceFactor);
  const { nodes, weights } = ring;
  const own = ring.locate(key);
  const loads = nodes.map((node) => boundedLoad(loadOf(node)));
  const capacityOfWeight = balanceFactor * loadPerWeight(loads, weights);
  const hasRoom = (index: number): boolean =>
    (loads[index] as number) < Math.ceil(capacityOfWeight * (weights[index] as number));
  if (hasRoom(nodes.indexOf(own))) return own;

  const indices = new Map(nodes.map((node, index) => [node, index]));
  let leastLoaded = own;
  let least = Number.POSITIVE_INFINITY;
  for (const node of ring.clockwise(key)) {
    const index = indices.get(node) as number;
    if (hasRoom(index)) return node;
    const load = (loads[index] as number) / (weights[index] as number);
    if (load >= least) continue;
    leastLoaded = node;
    least = load;
  }
  return leastLoaded;
}

/** With this key, and without the nodes that are full. */
function loadPerWeight(loads: readonly number[], weights: readonly number[]): number {
  let totalLoad = 1;
  let totalWeight = 0;
  for (let index = 0; index < loads.length; index++) {
    const load = loads[index] as number;
    if (load === Number.POSITIVE_INFINITY) continue;
    totalLoad += load;
    totalWeight += weights[index] as number;
  }
  return totalLoad / totalWeight;
}

function requireFactor(balanceFactor: number): void {
  if (Number.isFinite(balanceFactor) && balanceFactor >= 1) return;
  throw new RangeError(
    `balanceFactor must be a finite number of at least 1, got ${String(balanceFactor)}`,
  );
}

function boundedLoad(load: number): number {
  if (load > 0) return load;
  return load <= 0 ? 0 : Number.POSITIVE_INFINITY;
}
