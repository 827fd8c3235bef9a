import { createBuckets, createRing, diffBuckets, diffRings } from "@headroom/hashing";

// Caches: any process that knows the names agrees where a key is.
const ring = createRing(["cache-a", "cache-b", "cache-c"]);
console.log(`user:42 is at ${ring.locate("user:42")}, copies at ${ring.locateN("user:42", 2)}`);

// One more node takes keys for itself, and none moves between the others.
const grown = ring.with("cache-d");
const moved = diffRings(ring, grown);
console.log(`${(moved.share * 100).toFixed(1)} % move, all to cache-d:`, onlyTo(moved, "cache-d"));

// Durable data: the table itself is the truth. Store it; change it by the fewest moves.
const shards = createBuckets([{ id: "shard-1" }, { id: "shard-2" }]);
const table = JSON.stringify(shards);
const plan = diffBuckets(shards, shards.with({ id: "shard-3" }));
console.log(
  `${plan.moves.length} of ${shards.size} buckets move; the table is ${table.length} bytes`,
);

function onlyTo(diff: { moves: readonly { to: string }[] }, id: string): boolean {
  return diff.moves.every(({ to }) => to === id);
}
