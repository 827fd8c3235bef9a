import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText, MEGABYTE, textOf, utf8 } from "../test/texts.ts";
import { createKetama, type KetamaDialect, ketamaFromJson, ketamaHash } from "./ketama.ts";
import type { Key } from "./key.ts";
import { diffRings } from "./ring-diff.ts";

const require = createRequire(import.meta.url);

/** npm hashring, whose own tests bring what the programs in other languages answered. */
const HashRing = require("hashring") as new (
  servers: Record<string, number>,
) => { get(key: string): string };

function fixture(name: string): string {
  return readFileSync(require.resolve(`hashring/tests/fixtures/${name}`), "utf8");
}

/** Lines of `key server`. */
function answers(name: string): [key: string, server: string][] {
  const lines = fixture(name).trimEnd().split("\n");
  return lines.map((line) => line.split(" ") as [string, string]);
}

const weighted = [1, 2, 3, 4, 5].map((weight) => ({ id: `0.0.0.${weight}`, weight }));

function equalNodes(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.0.0.${i}:11211`);
}

/** The definition: so many points a digest, `digests` for each label, the first at or after the key's hash. */
function plainKetama(
  labels: readonly string[],
  digests: number,
  pointsPerDigest: number,
): (key: string) => string {
  const md5 = (text: string): Buffer => createHash("md5").update(text).digest();
  const points = labels.flatMap((label) =>
    Array.from({ length: digests * pointsPerDigest }, (_, i) => ({
      point: md5(`${label}-${Math.floor(i / pointsPerDigest)}`).readUInt32LE(
        4 * (i % pointsPerDigest),
      ),
      label,
    })),
  );
  points.sort((a, b) => a.point - b.point);
  return (key) => {
    const hash = md5(key).readUInt32LE(0);
    return (points.find(({ point }) => point >= hash) ?? points[0])?.label ?? "";
  };
}

describe("ketama places 100,000 keys as", () => {
  test("libketama did, with weights (through Python's ketama)", () => {
    const ring = createKetama(weighted);
    const wrong = answers("ketama.txt").filter(([key, server]) => ring.locate(key).id !== server);
    expect(wrong).toEqual([]);
  });

  test("Python's hash_ring did, with its 3 points a digest", () => {
    const ring = createKetama(weighted, { dialect: "hash_ring" });
    const wrong = answers("hash_ring.txt").filter(
      ([key, server]) => ring.locate(key).id !== server,
    );
    expect(wrong).toEqual([]);
  });

  test("libmemcached did, without the port where it is 11211 (through pylibmc)", () => {
    const addresses = [
      "0.0.0.1:11211",
      "0.0.0.2:11211",
      "0.0.0.3",
      "0.0.0.4:11213",
      "0.0.0.5:11212",
    ];
    const nodes = addresses.map((address) => ({ id: address.replace(/:11211$/, ""), address }));
    const ring = createKetama(nodes, { dialect: "libmemcached" });
    const wrong = answers("pylibmc.txt").filter(
      ([key, address]) => ring.locate(key).address !== address,
    );
    expect(wrong).toEqual([]);
  });
});

test("ketama agrees with libmemcached's own table of hashes, points and servers", () => {
  const rows = JSON.parse(fixture("libmemcached.json")) as [string, number, number, string][];
  const weights = [600, 300, 200, 350, 1000, 800, 950, 100];
  const nodes = weights.map((weight, i) => ({ id: `10.0.1.${i + 1}`, weight }));
  for (const dialect of ["libmemcached", "libketama", "hashring"] as const) {
    const ring = createKetama(nodes, { dialect });
    expect(rows).toHaveLength(99);
    for (const [key, hash, point, server] of rows) {
      expect([ketamaHash(key), ring.locate(key).id]).toEqual([hash, server]);
      // The range that holds the key ends right after the point, or goes on with the same server.
      const range = [...ring.ranges()].find(({ end }) => end > hash);
      expect([range?.node.id, (range?.end ?? 0) > point]).toEqual([server, true]);
    }
    // This one hashes to fffcd1b5, beyond the last point.
    expect(ring.locate("VDEAAAAA")).toBe([...ring.ranges()][0]?.node);
  }
});

describe("where the programs round differently", () => {
  const keys = Array.from({ length: 2000 }, (_, i) => `key-${i}`);

  function expectDigests(
    dialect: KetamaDialect,
    nodeCount: number,
    digests: number,
    pointsPerDigest = 4,
  ): void {
    const nodes = equalNodes(nodeCount);
    const ring = createKetama(nodes, { dialect });
    const plain = plainKetama(nodes, digests, pointsPerDigest);
    const some = keys.slice(0, 300);
    expect(some.map((key) => ring.locate(key))).toEqual(some.map(plain));
  }

  test("an equal node has 40 digests, or 39 where the program's division falls short", () => {
    // The counts of libketama and libmemcached are those of their C expressions, compiled.
    expectDigests("libketama", 7, 40);
    expectDigests("libketama", 25, 40);
    expectDigests("libketama", 61, 39);
    expectDigests("libmemcached", 7, 40);
    expectDigests("libmemcached", 25, 39);
    expectDigests("libmemcached", 61, 39);
    expectDigests("hashring", 7, 39);
    expectDigests("hashring", 25, 40);
    for (const count of [7, 14, 28, 49, 56]) expectDigests("hash_ring", count, 40, 3);
  });

  test("hashring is followed for every number of equal nodes", { timeout: 30_000 }, () => {
    for (let count = 1; count <= 60; count++) {
      const nodes = equalNodes(count);
      const theirs = new HashRing(Object.fromEntries(nodes.map((node) => [node, 1])));
      const ours = createKetama(nodes, { dialect: "hashring" });
      const some = keys.slice(0, 200);
      expect(some.map((key) => ours.locate(key))).toEqual(some.map((key) => theirs.get(key)));
    }
  });

  test("hashring is followed for any weights", { timeout: 30_000 }, () => {
    // hashring's cache writes the key "__proto__" into Object.prototype, for everybody.
    const searchable = fc.string().filter((key) => !(key in {}));
    const weights = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(weights, fc.array(searchable, { maxLength: 50 }), (list, some) => {
        const nodes = list.map((weight, i) => ({ id: `10.0.0.${i}:11211`, weight }));
        const theirs = new HashRing(
          Object.fromEntries(nodes.map(({ id, weight }) => [id, weight])),
        );
        const ours = createKetama(nodes, { dialect: "hashring" });
        expect(some.map((key) => ours.locate(key).id)).toEqual(some.map((key) => theirs.get(key)));
      }),
      { numRuns: 50 },
    );
  });
});

describe("a ketama ring", () => {
  const servers = fc.uniqueArray(
    fc.record({ id: fc.string({ minLength: 1 }), weight: fc.integer({ min: 1, max: 100 }) }),
    { minLength: 2, maxLength: 6, selector: ({ id }) => id },
  );

  test("does not depend on the order of its nodes, nor on how it came about", () => {
    fc.assert(
      fc.property(servers, (nodes) => {
        const ring = createKetama(nodes);
        const [first, ...rest] = nodes as [(typeof nodes)[0], ...typeof nodes];
        const ranges = [...ring.ranges()];
        expect([...createKetama(nodes.toReversed()).ranges()]).toEqual(ranges);
        expect([...createKetama(rest).with(first).ranges()]).toEqual(ranges);
        const without = [...ring.without(first.id).ranges()];
        expect(without).toEqual([...createKetama(rest).ranges()]);
      }),
      { numRuns: 30 },
    );
  });

  test("survives JSON with its dialect", () => {
    const ring = createKetama(equalNodes(7), { dialect: "hashring" });
    const json = JSON.stringify(ring);
    expect(json).toContain('{"dialect":"hashring","nodes":[{"id":"10.0.0.0:11211","weight":1}');
    const revived = ketamaFromJson(JSON.parse(json));
    expect(JSON.stringify(revived)).toBe(json);
    expect(revived.locate("user:1").id).toBe(ring.locate("user:1"));
    expect(ring.with("z").without("z").dialect).toBe("hashring");
  });

  test("does not follow a weight that is tuned after it was built", () => {
    const nodes = [1, 2, 3].map((weight) => ({ id: `10.0.0.${weight}`, weight }));
    const ring = createKetama(nodes);
    const before = JSON.stringify(ring);
    for (const node of nodes) node.weight = 5;
    expect(JSON.stringify(ring)).toBe(before);
    const back = ring.with({ id: "late", weight: 1 }).without("late");
    expect(diffRings(back, ring).share).toBe(0);
  });

  test("is restored with the caller's own nodes", () => {
    const nodes = new Map(weighted.map((node) => [node.id, node]));
    const nodeOf = ({ id }: { id: string }) => nodes.get(id) ?? { id, weight: 0 };
    const restored = ketamaFromJson(createKetama(weighted).toJSON(), { nodeOf });
    expect(restored.locate("user:1")).toBe(createKetama(weighted).locate("user:1"));
  });

  test("hashes a text as its UTF-8 bytes, lone surrogates counting as U+FFFD", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(ketamaHash(text)).toBe(ketamaHash(utf8(text)));
      }),
    );
    expect(ketamaHash("a\ud800")).toBe(ketamaHash("a\ufffd"));
  });

  test("hashes a key of a megabyte whole", () => {
    const text = textOf(MEGABYTE, "mixed");
    expect(ketamaHash(text)).toBe(ketamaHash(utf8(text)));
    expect(ketamaHash(`${text}a`)).not.toBe(ketamaHash(`${text}b`));
  });

  test("leaves a node that has next to nothing of the weight without keys, as ketama does", () => {
    const ring = createKetama([{ id: "small" }, { id: "large", weight: 1000 }]);
    expect([...ring.ranges()].map(({ node }) => node.id)).toEqual(["large"]);
  });

  test.each([42, undefined, null, ["a"]])("refuses the key %s", (key) => {
    expect(() => createKetama(["a"]).locate(key as unknown as Key)).toThrow(TypeError);
  });

  test("refuses weights that memcached clients cannot have", () => {
    expect(() => createKetama([{ id: "a", weight: 0.5 }])).toThrow(
      new RangeError(
        "The weights of a ketama ring must be integers that add up to less than 2^53, " +
          'got 0.5 for "a"',
      ),
    );
    const huge = 2 ** 52;
    expect(() =>
      createKetama([
        { id: "a", weight: huge },
        { id: "b", weight: huge },
      ]),
    ).toThrow(RangeError);
    expect(() => createKetama([{ id: "a", weight: -1 }])).toThrow(RangeError);
  });

  test("refuses a dialect it does not speak and more nodes than memory is worth", () => {
    const dialect = "twemproxy" as KetamaDialect;
    expect(() => createKetama(["a"], { dialect })).toThrow(
      new RangeError(
        "dialect must be one of libketama, libmemcached, hashring, hash_ring, got twemproxy",
      ),
    );
    expect(() => createKetama(equalNodes(26_215))).toThrow(/at most 4194304 points/);
  });

  test("refuses no nodes, a node it has, the removal of one it has not, and of its last", () => {
    const ring = createKetama(["a", "b"]);
    expect(() => createKetama([])).toThrow(RangeError);
    expect(() => ring.with("a")).toThrow(RangeError);
    expect(() => ring.without("c")).toThrow(RangeError);
    expect(() => ring.without("a").without("b")).toThrow(RangeError);
  });
});
