/** Values: what is stored is read, until its time is over or it is removed. */

import assert from "node:assert/strict";
import {
  bytesOf,
  type ConformanceCase,
  conformanceCase,
  MINUTE_MS,
  only,
  textOf,
} from "./conformance-bench.ts";

/** Keys that a careless encoding confuses, or takes for something else. */
const AWKWARD_KEYS = [
  "plain",
  "{",
  "}",
  "{}",
  "{a}",
  "}{",
  "a{b}c",
  "%7D",
  "%",
  "a:l",
  "*",
  "[a-z]?",
  "\\",
  "with space",
  "a,b",
  "ключ",
  "日本語",
  "😀",
  "__proto__",
  "constructor",
  "'\"`$(x)",
  "x".repeat(500),
];

export const valueCases: readonly ConformanceCase[] = [
  conformanceCase("a key that was never stored is not there", async ({ key, text }) => {
    assert.equal(await text(key()), undefined);
  }),

  conformanceCase("what was written is read, by every process", async (bench) => {
    const { ours, theirs, key, write, text } = bench;
    const written = key();
    await write(written, "value");
    assert.equal(await text(written), "value");
    const found = await only(theirs.store.read([written]));
    assert.equal(textOf(found?.bytes), "value");
    assert.equal(found?.partition, ours.store.partitionOf(written));
  }),

  conformanceCase("a write replaces what was there", async ({ key, write, text }) => {
    const written = key();
    await write(written, "first");
    await write(written, "second");
    assert.equal(await text(written), "second");
  }),

  conformanceCase("answers are in the order of the keys, found or not", async (bench) => {
    const { ours, key, write } = bench;
    const keys = Array.from({ length: 300 }, (_, at) => key(`order-${at}`));
    const written = keys.filter((_, at) => at % 3 !== 0);
    await Promise.all(written.map((each) => write(each, `value of ${each}`)));
    const found = await ours.store.read(keys);
    assert.deepEqual(
      found.map((each) => textOf(each?.bytes)),
      keys.map((each, at) => (at % 3 === 0 ? undefined : `value of ${each}`)),
    );
  }),

  conformanceCase("reads of one moment do not disturb each other", async (bench) => {
    const { key, write, text } = bench;
    const keys = Array.from({ length: 100 }, (_, at) => key(`together-${at}`));
    await Promise.all(keys.map((each) => write(each, each)));
    assert.deepEqual(await Promise.all([...keys, key()].map(text)), [...keys, undefined]);
  }),

  conformanceCase("no two keys are confused, whatever characters they have", async (bench) => {
    const { ours, key, write, text } = bench;
    const keys = AWKWARD_KEYS.map((awkward) => key(awkward));
    await Promise.all(keys.map((each, at) => write(each, `value ${at}`)));
    assert.deepEqual(
      await Promise.all(keys.map(text)),
      keys.map((_, at) => `value ${at}`),
    );
    for (const [at, each] of keys.entries()) {
      await ours.store.invalidate([each], { holdForMs: 0 });
      const left = await Promise.all(keys.map(text));
      assert.equal(left.filter((value) => value === undefined).length, at + 1, AWKWARD_KEYS[at]);
    }
  }),

  conformanceCase(
    "a value of 1 MiB, an empty one and one of every byte are kept",
    async (bench) => {
      const { ours, key } = bench;
      const everyByte = Uint8Array.from({ length: 256 }, (_, at) => at);
      const large = new Uint8Array(2 ** 20).fill(0xa5);
      for (const bytes of [large, new Uint8Array(0), everyByte, everyByte.subarray(100, 200)]) {
        const written = key();
        const partition = ours.store.partitionOf(written);
        await ours.store.write([{ key: written, bytes, ttlMs: MINUTE_MS, partition }]);
        const found = await only(ours.store.read([written]));
        assert.ok(found);
        assert.ok(Buffer.from(found.bytes).equals(bytes));
      }
    },
  ),

  conformanceCase(
    "what was stored is a copy: changing the bytes later changes nothing",
    async (bench) => {
      const { ours, key, text } = bench;
      const written = key();
      const bytes = bytesOf("before");
      const partition = ours.store.partitionOf(written);
      await ours.store.write([{ key: written, bytes, ttlMs: MINUTE_MS, partition }]);
      bytes.fill(0);
      assert.equal(await text(written), "before");
    },
  ),

  conformanceCase("a value is gone when its time is over", async ({ pass, ours, key, text }) => {
    const [short, long] = [key(), key()];
    await ours.store.write(
      [short, long].map((each) => ({
        key: each,
        bytes: bytesOf(each),
        ttlMs: each === short ? 200 : MINUTE_MS,
        partition: ours.store.partitionOf(each),
      })),
    );
    assert.equal(await text(short), short);
    await pass(300);
    assert.equal(await text(short), undefined);
    assert.equal(await text(long), long);
  }),

  conformanceCase("what was invalidated is not there, for anybody", async (bench) => {
    const { ours, theirs, key, write, text } = bench;
    const keys = [key(), key()];
    await Promise.all(keys.map((each) => write(each, "value")));
    const kept = key();
    await write(kept, "kept");
    await theirs.store.invalidate(keys, { holdForMs: 0 });
    assert.deepEqual(await ours.store.read(keys), [undefined, undefined]);
    assert.equal(await text(kept), "kept");
    await theirs.store.invalidate([key()], { holdForMs: 0 });
  }),

  conformanceCase("bytes of another partition than the key's are refused", async (bench) => {
    const { ours, key, text } = bench;
    const written = key();
    const partition = ours.store.partitionOf(written) + 1;
    const write = { key: written, bytes: bytesOf("value"), ttlMs: MINUTE_MS, partition };
    await assert.rejects(ours.store.write([write]));
    assert.equal(await text(written), undefined);
  }),
];
