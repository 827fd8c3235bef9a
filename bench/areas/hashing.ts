import { seededRandom } from "@headroom/core/random";
import {
  createBuckets,
  createKetama,
  createMaglev,
  createRendezvous,
  createRing,
  jump,
  murmur3,
} from "@headroom/hashing";
import xxhash from "xxhash-wasm";
import { area, type Operation } from "../src/area.ts";
import {
  consistentHash,
  effectRing,
  hashRingFatelei,
  hashring,
  hashringWithoutCache,
  jumphash,
  type Locate,
  makeHashring,
  names,
} from "./hashing/peers.ts";

/** 131,072 random keys of 20 letters and digits, each one flat string, as from a socket. */
const random = seededRandom(1);
const KEYS = Array.from({ length: 131_072 }, () =>
  Buffer.from(
    Array.from({ length: 20 }, () => Math.floor(random() * 36).toString(36)).join(""),
  ).toString(),
);

const OURS: Readonly<Record<string, (n: number) => Locate>> = {
  // Grown from a hundred, as they are in use.
  buckets: (n) => located(n > 100 ? grownBuckets(n) : createBuckets(names(n))),
  ring: (n) => located(createRing(names(n))),
  maglev: (n) => located(createMaglev(names(n))),
  rendezvous: (n) => located(createRendezvous(names(n))),
  ketama: (n) => located(createKetama(names(n))),
};

const RINGS = {
  "hashring 3.2": hashring,
  "effect HashRing": effectRing,
  "hash-ring 1.0": hashRingFatelei,
  "consistent-hash 1.2": consistentHash,
};

const FLOOR = "bare murmur3";
const bare = (): Operation => over((key) => murmur3(key));

export default area("hashing", (bench) => {
  for (const n of [10, 100, 1000]) {
    bench.micro(`locate/buckets/n=${n}`, {
      ours: () => over(located(createBuckets(names(n)))),
      peers: { [FLOOR]: bare },
      floor: FLOOR,
    });
    bench.micro(`locate/ring/n=${n}`, {
      ours: () => over(located(createRing(names(n)))),
      peers: {
        [FLOOR]: bare,
        "hashring 3.2": () => over(hashring(n)),
        "hashring 3.2, no cache": () => over(hashringWithoutCache(n)),
        "effect HashRing": () => over(effectRing(n)),
      },
      floor: FLOOR,
    });
  }
  for (const name of ["maglev", "rendezvous", "ketama"]) {
    bench.micro(`locate/${name}/n=100`, {
      ours: () => over(oursOf(name)(100)),
      peers: {
        [FLOOR]: bare,
        "hashring 3.2": () => over(hashring(100)),
        "hashring 3.2, no cache": () => over(hashringWithoutCache(100)),
      },
      floor: FLOOR,
    });
  }
  bench.micro("locate/jump/n=100", {
    ours: () => over((key) => jump(key, 100)),
    peers: { [FLOOR]: bare, "jumphash 0.2": () => over((key) => jumphash(key, 100)) },
    floor: FLOOR,
  });
  bench.micro("hash/murmur3/ascii20", {
    ours: bare,
    peers: {
      "xxhash-wasm h32": async () => {
        const { h32 } = await xxhash();
        return over((key) => h32(key));
      },
    },
    floor: "xxhash-wasm h32",
  });
  bench.micro("build/ring/n=1000", {
    ours: () => () => createRing(names(1000)),
    peers: { "hashring 3.2": () => () => makeHashring(1000) },
    floor: "hashring 3.2",
  });
  bench.figure("memory/ring/n=100", {
    unit: "B/node",
    better: "lower",
    ours: () => bytesEach(() => createRing(names(100))) / 100,
    peers: { "hashring 3.2": () => bytesEach(() => makeHashring(100)) / 100 },
    floor: "hashring 3.2",
    rounds: 3,
  });
  for (const name of Object.keys(OURS)) {
    bench.figure(`balance/${name}/n=100`, {
      unit: "max/mean",
      better: "lower",
      ours: () => maxOverMean(oursOf(name)(100), 100),
      peers: mapped(RINGS, (make) => () => maxOverMean(make(100), 100)),
      floor: "hashring 3.2",
    });
    bench.figure(`moved/${name}/n=100+1`, {
      unit: "share",
      better: "lower",
      ours: () => movedShare(oursOf(name)(100), oursOf(name)(101)),
      peers: mapped(RINGS, (make) => () => movedShare(make(100), make(101))),
      floor: "hashring 3.2",
    });
  }
});

function oursOf(name: string): (n: number) => Locate {
  const make = OURS[name];
  if (!make) throw new RangeError(`There is no placement ${name}`);
  return make;
}

function located(placement: { locate(key: string): unknown }): Locate {
  return (key) => placement.locate(key);
}

function grownBuckets(n: number): { locate(key: string): unknown } {
  return names(n)
    .slice(100)
    .reduce((buckets, name) => buckets.with(name), createBuckets(names(100)));
}

function over(locate: Locate): Operation {
  let at = 0;
  return () => {
    at = (at + 1) & (KEYS.length - 1);
    return locate(KEYS[at] as string);
  };
}

/** What one more costs, of many kept alive; typed arrays are outside of the heap. */
function bytesEach(make: () => unknown): number {
  const collect = globalThis.gc;
  if (!collect) throw new Error("Measuring memory takes node --expose-gc");
  const used = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const kept = [make()];
  const before = used();
  for (let count = 0; count < 20; count += 1) kept.push(make());
  return (used() - before) / (kept.length - 1);
}

/** Enough to tell right from wrong, and few enough for peers that take 0.1 ms a key. */
const SAMPLE = KEYS.slice(0, 16_384);

function maxOverMean(locate: Locate, n: number): number {
  const counts = new Map<unknown, number>();
  for (const key of SAMPLE) {
    const node = locate(key);
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return Math.max(...counts.values()) / (SAMPLE.length / n);
}

function movedShare(before: Locate, after: Locate): number {
  return SAMPLE.filter((key) => before(key) !== after(key)).length / SAMPLE.length;
}

function mapped<Key extends string, From, To>(
  record: Readonly<Record<Key, From>>,
  change: (value: From) => To,
): Record<Key, To> {
  const entries = Object.entries<From>(record).map(([key, value]) => [key, change(value)]);
  return Object.fromEntries(entries) as Record<Key, To>;
}
