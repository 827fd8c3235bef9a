/** Messages: what one process changes the others are told, and nobody else. */

import assert from "node:assert/strict";
import type { Bench, Process } from "./conformance-bench.ts";
import { type ConformanceCase, conformanceCase } from "./conformance-bench.ts";

const keysTold = ({ told }: Process): Set<string> =>
  new Set(told.flatMap(({ message }) => (message.kind === "keys" ? message.keys : [])));

/**
 * By the time this has come from every partition, all that was sent before it has come too. Not so
 * from the nodes of a Cluster, which speak in no common order: what must come is waited for itself.
 */
async function lastWord({ ours, theirs }: Bench): Promise<void> {
  await ours.store.bump(["last word"]);
  const words = (): number =>
    theirs.told.filter(({ message }) => message.kind === "tags" && message.tags[0] === "last word")
      .length;
  while (words() < ours.store.partitions) await theirs.heard(theirs.told.length + 1);
}

export const busCases: readonly ConformanceCase[] = [
  conformanceCase("the others are told which keys were invalidated", async (bench) => {
    const { ours, theirs, key } = bench;
    const keys = [key("a,b"), key("{c}"), key('"ключ"')];
    await ours.store.invalidate(keys, { holdForMs: 0 });
    await theirs.hears(() => keysTold(theirs).size >= keys.length);
    await lastWord(bench);
    assert.deepEqual(keysTold(theirs), new Set(keys));
  }),

  conformanceCase("the others are told which keys were written", async (bench) => {
    const { theirs, key, write } = bench;
    const written = key();
    await write(written, "a value that is no part of the message");
    await theirs.hears(() => keysTold(theirs).size > 0);
    await lastWord(bench);
    assert.deepEqual(keysTold(theirs), new Set([written]));
    assert.doesNotMatch(JSON.stringify(theirs.told), /no part of the message/);
  }),

  conformanceCase(
    "the others are told which tags were bumped, and to which number",
    async (bench) => {
      const { ours, theirs } = bench;
      const readings = await ours.store.bump(["a", "б"]);
      await theirs.heard(ours.store.partitions);
      const told = [...theirs.told].sort((one, other) => one.partition - other.partition);
      assert.deepEqual(
        told,
        readings.map(({ partition, sequence }) => ({
          partition,
          message: { kind: "tags", tags: ["a", "б"], sequence },
        })),
      );
    },
  ),

  conformanceCase("one's own changes are not told", async (bench) => {
    const { ours, theirs, key, write } = bench;
    await write(key(), "value");
    await ours.store.invalidate([key()], { holdForMs: 0 });
    await lastWord(bench);
    // Whatever of ours was on its way to us came before what they send now.
    await theirs.store.bump(["answer"]);
    await ours.heard(ours.store.partitions);
    assert.deepEqual(
      ours.told.map(({ message }) => message.kind === "tags" && message.tags),
      Array.from({ length: ours.store.partitions }, () => ["answer"]),
    );
  }),

  conformanceCase("what is only read, leased or filled is told to nobody", async (bench) => {
    const { theirs, key, lease, fill, text } = bench;
    const missing = key();
    await lease(missing, "a");
    await fill(missing, "a", "loaded");
    await text(missing);
    await lastWord(bench);
    assert.equal(theirs.told.length, theirs.store.partitions);
  }),

  conformanceCase("another cache is told nothing", async (bench) => {
    const { ours, key, stranger } = bench;
    const other = await stranger();
    await ours.store.invalidate([key()], { holdForMs: 0 });
    await lastWord(bench);
    assert.deepEqual(other.told, []);
  }),
];
