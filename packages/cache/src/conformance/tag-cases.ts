/** The clock of tags: a number that only grows, and a floor for what was forgotten. */

import assert from "node:assert/strict";
import type { CacheStore, TagReading } from "../store.ts";
import { type ConformanceCase, conformanceCase } from "./conformance-bench.ts";

const everywhere = (store: CacheStore, tags: readonly string[]): Promise<TagReading[]> =>
  Promise.all(Array.from({ length: store.partitions }, (_, at) => store.tags(at, tags)));

/** Whether an entry that was loaded at `sequence` counts as changed by its one tag. */
const isChanged = (sequence: number, { bumps: [bump], floor }: TagReading): boolean =>
  (bump ?? floor) > sequence;

export const tagCases: readonly ConformanceCase[] = [
  conformanceCase("a clock that nobody has touched stands still", async ({ ours, theirs }) => {
    const first = await everywhere(ours.store, ["a"]);
    const second = await everywhere(theirs.store, ["a"]);
    assert.deepEqual(second, first);
    for (const [at, { partition, sequence, floor, bumps }] of first.entries()) {
      assert.equal(partition, at);
      assert.ok(floor <= sequence);
      assert.deepEqual(bumps, [undefined]);
    }
  }),

  conformanceCase("a bump gives the tags the next number, in every partition", async (bench) => {
    const { ours, theirs } = bench;
    const before = await everywhere(ours.store, []);
    const bumped = await ours.store.bump(["a", "b"]);
    assert.equal(bumped.length, ours.store.partitions);
    for (const [at, reading] of bumped.entries()) {
      assert.equal(reading.partition, at);
      assert.ok(reading.sequence > (before[at]?.sequence ?? Number.NaN));
      assert.deepEqual(reading.bumps, [reading.sequence, reading.sequence]);
    }
    const after = await everywhere(theirs.store, ["b", "never", "a"]);
    for (const [at, { sequence, bumps, floor }] of after.entries()) {
      assert.equal(sequence, bumped[at]?.sequence);
      assert.deepEqual(bumps, [sequence, undefined, sequence]);
      assert.equal(floor, before[at]?.floor);
    }
  }),

  conformanceCase(
    "the sequence only grows, whoever bumps, also at the same moment",
    async (bench) => {
      const { ours, theirs } = bench;
      const bumps = await Promise.all(
        Array.from({ length: 40 }, (_, at) => (at % 2 ? ours : theirs).store.bump([`tag-${at}`])),
      );
      for (let partition = 0; partition < ours.store.partitions; partition++) {
        const given = bumps.map((readings) => readings[partition]?.sequence ?? Number.NaN);
        assert.equal(new Set(given).size, 40);
        const { sequence } = await ours.store.tags(partition, []);
        assert.equal(sequence, Math.max(...given));
      }
    },
  ),

  conformanceCase(
    "an entry is good until one of its own tags is bumped",
    async ({ ours, theirs }) => {
      const [before] = await everywhere(ours.store, ["mine"]);
      assert.ok(before);
      assert.equal(isChanged(before.sequence, before), false);
      await theirs.store.bump(["another"]);
      const [other] = await everywhere(ours.store, ["mine"]);
      assert.ok(other);
      assert.equal(isChanged(before.sequence, other), false);
      await theirs.store.bump(["mine"]);
      const [after] = await everywhere(ours.store, ["mine"]);
      assert.ok(after);
      assert.equal(isChanged(before.sequence, after), true);
      assert.equal(isChanged(after.sequence, after), false);
    },
  ),

  conformanceCase("no tags: the sequence and the floor alone", async ({ ours }) => {
    for (const { bumps } of await everywhere(ours.store, [])) assert.deepEqual(bumps, []);
  }),

  conformanceCase("another cache has a clock of its own", async ({ ours, stranger }) => {
    const { store } = await stranger();
    const before = await everywhere(store, ["a"]);
    await ours.store.bump(["a"]);
    assert.deepEqual(await everywhere(store, ["a"]), before);
  }),

  conformanceCase("tags of all characters are told apart", async ({ ours }) => {
    const tags = ["a", "A", "a b", "a:b", "{a}", "}", "*", "ключ", "😀", "", "t", "x".repeat(300)];
    const named = tags.filter((tag) => tag !== "");
    for (const tag of named) await ours.store.bump([tag]);
    const [reading] = await everywhere(ours.store, named);
    assert.equal(new Set(reading?.bumps).size, named.length);
  }),

  conformanceCase("a clock that does not exist has no partition's number", async ({ ours }) => {
    await assert.rejects(ours.store.tags(ours.store.partitions, []));
  }),

  conformanceCase(
    "a store that was emptied counts everything from before as changed",
    async ({ forget, ours, key, write, text }) => {
      const written = key();
      await write(written, "value");
      await ours.store.bump(["a"]);
      const before = await everywhere(ours.store, ["a", "never"]);
      await forget();
      assert.equal(await text(written), undefined);
      const after = await everywhere(ours.store, ["a", "never"]);
      for (const [at, { floor, sequence, bumps }] of after.entries()) {
        assert.ok(floor > (before[at]?.sequence ?? Number.NaN));
        assert.ok(sequence >= floor);
        assert.deepEqual(bumps, [undefined, undefined]);
      }
      assert.deepEqual(await everywhere(ours.store, ["a", "never"]), after);
    },
    { isolated: true },
  ),

  conformanceCase(
    "the first bump of a store that was emptied raises the floor as well",
    async ({ forget, ours }) => {
      const before = await ours.store.bump(["a"]);
      await forget();
      const after = await ours.store.bump(["b"]);
      for (const [at, { floor }] of after.entries()) {
        assert.ok(floor > (before[at]?.sequence ?? Number.NaN));
      }
    },
    { isolated: true },
  ),
];
