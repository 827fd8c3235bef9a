import {
  createBuckets,
  createKetama,
  createMaglev,
  createRendezvous,
  createRing,
  jump,
  murmur3,
  redisSlot,
  xxh32,
  xxh64,
} from "@headroom/hashing";
import xxhash from "xxhash-wasm";
import { area } from "../src/area.ts";
import {
  bytesEach,
  disagreement,
  figureOf,
  lightest,
  maxOverMean,
  maxOverMeanOfChance,
  movedShare,
  OURS,
  PEERS,
  WEIGHTED_PEERS,
} from "./hashing/figures.ts";
import { keyAt, longKeyAt, taggedKeyAt } from "./hashing/keys.ts";
import {
  bareMurmur3,
  effectLookup,
  hashringLookup,
  hashringLookupWithoutCache,
  jumphashLookup,
} from "./hashing/lookups.ts";
import { clusterKeySlot, makeHashring, nodes } from "./hashing/peers.ts";

const FLOOR = "murmur3(key) | 0";
const CACHED = "hashring 3.2 (its cache of 5000)";
const UNCACHED = "hashring 3.2 without cache";

// Keys come from keyAt(), nodes are strings, every variant is a function of its own (lookups.ts).
export default area("hashing", (bench) => {
  for (const n of [10, 100, 1000]) {
    bench.micro(`locate/buckets/n=${n}`, {
      ours: () => {
        const buckets = createBuckets(ids(n));
        return (index) => buckets.locate(keyAt(index));
      },
      peers: { [FLOOR]: bareMurmur3 },
      floor: FLOOR,
    });
  }
  for (const n of [10, 100, 1000]) {
    bench.micro(`locate/ring/n=${n}`, {
      ours: () => {
        const ring = createRing(ids(n));
        return (index) => ring.locate(keyAt(index));
      },
      peers: {
        [FLOOR]: bareMurmur3,
        [CACHED]: () => hashringLookup(n),
        [UNCACHED]: () => hashringLookupWithoutCache(n),
        "effect HashRing": () => effectLookup(n),
      },
      floor: FLOOR,
    });
  }
  const lookupsOfPeers = (n: number) => ({
    [FLOOR]: bareMurmur3,
    [CACHED]: () => hashringLookup(n),
    [UNCACHED]: () => hashringLookupWithoutCache(n),
  });
  bench.micro("locate/maglev/n=100", {
    ours: () => {
      const maglev = createMaglev(ids(100));
      return (index) => maglev.locate(keyAt(index));
    },
    peers: lookupsOfPeers(100),
    floor: FLOOR,
  });
  for (const n of [10, 100, 1000]) {
    bench.micro(`locate/rendezvous/n=${n}`, {
      ours: () => {
        const rendezvous = createRendezvous(ids(n));
        return (index) => rendezvous.locate(keyAt(index));
      },
      peers: lookupsOfPeers(n),
      floor: FLOOR,
    });
  }
  bench.micro("locate/ketama/n=100", {
    ours: () => {
      const ketama = createKetama(ids(100));
      return (index) => ketama.locate(keyAt(index));
    },
    peers: lookupsOfPeers(100),
    floor: FLOOR,
  });
  bench.micro("locate/jump/n=100", {
    ours: () => (index) => jump(keyAt(index), 100),
    peers: { [FLOOR]: bareMurmur3, "jumphash 0.2": () => jumphashLookup(100) },
    floor: FLOOR,
  });

  // The whole hash, ours as theirs: a uint32, which is an object from 2^31 on if it leaves the
  // function it was computed in, or a bigint. `&4095` is what a table takes of it.
  bench.micro("hash/murmur3/ascii20", {
    ours: () => (index) => murmur3(keyAt(index)),
    peers: { "xxhash-wasm h32": h32OfKey },
    floor: "xxhash-wasm h32",
  });
  bench.micro("hash/murmur3/ascii20&4095", {
    ours: () => (index) => murmur3(keyAt(index)) & 4095,
    peers: {
      "xxhash-wasm h32": async () => {
        const { h32 } = await xxhash();
        return (index) => h32(keyAt(index)) & 4095;
      },
    },
    floor: "xxhash-wasm h32",
  });
  bench.micro("hash/murmur3/ascii1024", {
    ours: () => (index) => murmur3(longKeyAt(index)),
    peers: { "xxhash-wasm h32": h32OfLongKey },
    floor: "xxhash-wasm h32",
  });
  bench.micro("hash/xxh32/ascii20", {
    ours: () => (index) => xxh32(keyAt(index)),
    peers: { "xxhash-wasm h32": h32OfKey },
    floor: "xxhash-wasm h32",
  });
  bench.micro("hash/xxh32/ascii1024", {
    ours: () => (index) => xxh32(longKeyAt(index)),
    peers: { "xxhash-wasm h32": h32OfLongKey },
    floor: "xxhash-wasm h32",
  });
  bench.micro("hash/xxh64/ascii20", {
    ours: () => (index) => xxh64(keyAt(index)),
    peers: {
      "xxhash-wasm h64": async () => {
        const { h64 } = await xxhash();
        return (index) => h64(keyAt(index));
      },
    },
    floor: "xxhash-wasm h64",
  });
  bench.micro("hash/xxh64/ascii1024", {
    ours: () => (index) => xxh64(longKeyAt(index)),
    peers: {
      "xxhash-wasm h64": async () => {
        const { h64 } = await xxhash();
        return (index) => h64(longKeyAt(index));
      },
    },
    floor: "xxhash-wasm h64",
  });
  bench.micro("hash/redisSlot/ascii20", {
    ours: () => (index) => redisSlot(keyAt(index)),
    peers: { "cluster-key-slot 1.1": () => (index) => clusterKeySlot(keyAt(index)) },
    floor: "cluster-key-slot 1.1",
  });
  bench.micro("hash/redisSlot/tag10", {
    ours: () => (index) => redisSlot(taggedKeyAt(index)),
    peers: { "cluster-key-slot 1.1": () => (index) => clusterKeySlot(taggedKeyAt(index)) },
    floor: "cluster-key-slot 1.1",
  });
  bench.micro("hash/redisSlot/ascii1024", {
    ours: () => (index) => redisSlot(longKeyAt(index)),
    peers: { "cluster-key-slot 1.1": () => (index) => clusterKeySlot(longKeyAt(index)) },
    floor: "cluster-key-slot 1.1",
  });

  bench.micro("build/ring/n=1000", {
    ours: () => () => createRing(ids(1000)),
    peers: { "hashring 3.2": () => () => makeHashring(nodes(1000)) },
    floor: "hashring 3.2",
  });
  // Of 100 nodes.
  bench.figure("memory/ring", {
    unit: "B/node",
    better: "lower",
    ours: () => bytesEach(() => createRing(ids(100))) / 100,
    peers: { "hashring 3.2": () => bytesEach(() => makeHashring(nodes(100))) / 100 },
    floor: "hashring 3.2",
    rounds: 3,
  });

  const balance = figureOf(PEERS, (place) => maxOverMean(100, place));
  const moved48 = figureOf(PEERS, (place) => movedShare(48, place));
  const moved100 = figureOf(PEERS, (place) => movedShare(100, place));
  const disagreed = figureOf(PEERS, (place) => disagreement(100, place));
  const light = figureOf(WEIGHTED_PEERS, lightest);
  for (const [name, place] of Object.entries(OURS)) {
    bench.figure(`balance/${name}/n=100`, {
      unit: "max/mean",
      better: "lower",
      ours: () => maxOverMean(100, place),
      peers: { "equal shares": () => maxOverMeanOfChance(100), ...balance },
      floor: "equal shares",
    });
    bench.figure(`moved/${name}/n=48+1`, {
      unit: "of keys",
      better: "lower",
      ours: () => movedShare(48, place),
      peers: { "one part in 49": () => 1 / 49, ...moved48 },
      floor: "one part in 49",
    });
    bench.figure(`moved/${name}/n=100+1`, {
      unit: "of keys",
      better: "lower",
      ours: () => movedShare(100, place),
      peers: { "one part in 101": () => 1 / 101, ...moved100 },
      floor: "one part in 101",
    });
    bench.figure(`disagreement/${name}/n=100`, {
      unit: "of keys",
      better: "lower",
      ours: () => disagreement(100, place),
      peers: { "one answer": () => 0, ...disagreed },
      floor: "one answer",
    });
    bench.figure(`lightest/${name}/weights=1,1,1,200`, {
      unit: "of its due",
      better: "higher",
      ours: () => lightest(place),
      peers: { "all of it": () => 1, ...light },
      floor: "all of it",
    });
  }
});

function ids(n: number): string[] {
  return nodes(n).map(({ id }) => id);
}

async function h32OfKey() {
  const { h32 } = await xxhash();
  return (index: number) => h32(keyAt(index));
}

async function h32OfLongKey() {
  const { h32 } = await xxhash();
  return (index: number) => h32(longKeyAt(index));
}
