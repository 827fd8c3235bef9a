import { startRedisCluster, testSeed, useServers } from "@headroom/harness";
import { redisSlot } from "@headroom/hashing";
import { expect, test } from "vitest";

/** A live Redis Cluster is the oracle: hundreds of random keys a run, as text and as bytes. */

const redis = useServers(() => startRedisCluster());
const { random } = testSeed();

const below = (limit: number): number => Math.floor(random() * limit);
const pick = (choices: readonly string[]): string => choices[below(choices.length)] ?? "";

/** Characters of one to four bytes, and braces often enough to make every form of a tag. */
function randomKey(): string {
  const character = (): string => {
    if (below(4) === 0) return pick(["{", "}", "{}", "}{", "{{", "}}"]);
    if (below(2) === 0) return String.fromCharCode(below(0x80));
    const [from = 0, to = 0] =
      [
        [0x80, 0x7ff],
        [0x800, 0xd7ff],
        [0xe000, 0xffff],
        [0x10000, 0x10ffff],
      ][below(4)] ?? [];
    return String.fromCodePoint(from + below(to - from + 1));
  };
  return Array.from({ length: below(24) }, character).join("");
}

const named = [
  "",
  "{",
  "}",
  "{}",
  "{}a",
  "{a}b",
  "a{b}",
  "a{b}{c}",
  "a{}{c}",
  "a{b",
  "a}b{c}d",
  "{{a}}b",
  "{a}}b",
  "é{ü}ß",
  "{日本}語",
  "😀{😀}",
  "x".repeat(10_000),
];

test("every key has the slot that the server computes", { timeout: 60_000 }, async () => {
  const [node] = redis().nodes;
  if (node === undefined) throw new Error("a cluster has nodes");
  const keys = [...named, ...Array.from({ length: 600 }, randomKey)];
  const theirs: unknown[] = [];
  for (const key of keys) theirs.push(await node.command("CLUSTER", "KEYSLOT", key));
  expect(keys.map((key) => redisSlot(key))).toEqual(theirs.map(Number));
  expect(keys.map((key) => redisSlot(Buffer.from(key)))).toEqual(theirs.map(Number));
});
