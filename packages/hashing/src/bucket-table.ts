/**
 * Which buckets move. A table holds for each bucket the index of its node.
 *
 * The counts say how many buckets each node gives or takes. Any choice of buckets is then equally
 * cheap, so the choice can serve something else: to come as near as possible to a goal.
 */
import { apportion } from "./apportionment.ts";

/**
 * The table of a new cluster: nodes join one by one, each with the fewest moves. What moves are the
 * lowest buckets of each node that gives, in their order to the first node that takes.
 */
export function growTable(size: number, weights: readonly number[]): Uint16Array<ArrayBuffer> {
  // Each node's buckets, lowest first: with a table, every step would have to look at all of it.
  const held = weights.map((): number[] => []);
  held[0] = Array.from({ length: size }, (_, bucket) => bucket);
  let had: Uint32Array = Uint32Array.of(size);
  for (let nodes = 2; nodes <= weights.length; nodes++) {
    const counts = apportion(size, weights.slice(0, nodes));
    redistribute(held, had, counts);
    had = counts;
  }
  const table = new Uint16Array(size);
  held.forEach((buckets, node) => {
    for (const bucket of buckets) table[bucket] = node;
  });
  return table;
}

/** From `had` buckets a node, 0 for a new one, to `counts`. */
function redistribute(held: number[][], had: Uint32Array, counts: Uint32Array): void {
  const moving: number[][] = [];
  for (let node = 0; node < had.length; node++) {
    const surplus = (had[node] as number) - (counts[node] as number);
    if (surplus > 0) moving.push((held[node] as number[]).splice(0, surplus));
  }
  const moved = moving.flat().sort(ascending);
  let given = 0;
  for (let node = 0; node < counts.length; node++) {
    const lacking = (counts[node] as number) - (had[node] ?? 0);
    if (lacking <= 0) continue;
    const taken = moved.slice(given, given + lacking);
    held[node] = [...(held[node] as number[]), ...taken].sort(ascending);
    given += lacking;
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}

/**
 * The table in which each node has its count, by the fewest moves from `owners`: as many as the
 * takers lack. A bucket moves to where `goal` has it, if its owner gives and that node takes; what
 * else must move is, while there is any, what `goal` has elsewhere; each time the lowest bucket first,
 * and the first node that takes.
 *
 * @param owners for each bucket an index of `counts`, or `counts.length`: its node has gone.
 */
export function fewestMoves(
  owners: Uint16Array | Uint32Array,
  counts: Uint32Array,
  goal?: Uint16Array,
): Uint16Array<ArrayBuffer> {
  const table = new Uint32Array(owners);
  const surplus = surplusOf(owners, counts);
  if (goal !== undefined) {
    moveTowards(goal, table, surplus);
    giveAway(table, surplus, goal);
  }
  giveAway(table, surplus);
  return new Uint16Array(table);
}

/** How many buckets each node gives, or takes where negative; the last is of nodes that have gone. */
function surplusOf(owners: Uint16Array | Uint32Array, counts: Uint32Array): Int32Array {
  const surplus = new Int32Array(counts.length + 1);
  for (const owner of owners) surplus[owner] = (surplus[owner] as number) + 1;
  counts.forEach((count, node) => {
    surplus[node] = (surplus[node] as number) - count;
  });
  return surplus;
}

function moveTowards(goal: Uint16Array, table: Uint32Array, surplus: Int32Array): void {
  for (let bucket = 0; bucket < table.length; bucket++) {
    const to = goal[bucket] as number;
    if ((surplus[to] as number) < 0) move(bucket, to, table, surplus);
  }
}

function giveAway(table: Uint32Array, surplus: Int32Array, kept?: Uint16Array): void {
  let taker = 0;
  for (let bucket = 0; bucket < table.length; bucket++) {
    while ((surplus[taker] as number) >= 0) taker++;
    if (taker >= surplus.length) return;
    if (kept?.[bucket] !== table[bucket]) move(bucket, taker, table, surplus);
  }
}

/** Unless its node has none to give. */
function move(bucket: number, to: number, table: Uint32Array, surplus: Int32Array): void {
  const from = table[bucket] as number;
  if ((surplus[from] as number) <= 0) return;
  surplus[from] = (surplus[from] as number) - 1;
  surplus[to] = (surplus[to] as number) + 1;
  table[bucket] = to;
}
