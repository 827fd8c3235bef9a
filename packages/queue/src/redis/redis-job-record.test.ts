import fc from "fast-check";
import { expect, test } from "vitest";
import type { NewJob } from "../driver.ts";
import { claimedJob, readRecord, recordOf } from "./redis-job-record.ts";

const text = fc.string({
  unit: fc.constantFrom("a", "|", ":", ".", '"', "é", "\0", "\u0001", "\n"),
});
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });

const newJob: fc.Arbitrary<NewJob> = fc.record({
  id: fc.stringMatching(/^[a-z|."]{1,9}$/),
  mayExist: fc.boolean(),
  name: text,
  body: fc.json(),
  headers: fc.dictionary(text, text, { noNullPrototype: true }),
  delayMs: fc.nat(),
  priority: fc.nat(9),
  maxAttempts: fc.integer({ min: 1, max: 99 }),
  key: optional(text),
  dedup: optional(fc.record({ key: text, windowMs: fc.constant(undefined) })),
  parent: optional(fc.record({ queue: fc.constant("q"), id: fc.constant("p") })),
});

/** As the server stores it: with the time of adding, and since when it is ready. */
const stored = (record: string): string => `1796000000000|1796000000250|${record}`;

test("a record says again what the job was", () => {
  fc.assert(
    fc.property(newJob, (job) => {
      const { delayMs: _, mayExist: __, dedup, ...facts } = job;
      expect(readRecord(stored(recordOf(job, "nonce")))).toEqual({
        ...facts,
        dedup: dedup?.key,
        addedAtMs: 1_796_000_000_000,
        readyAtMs: 1_796_000_000_250,
        attempt: 1,
        token: `${job.id}:1:nonce.0`,
        mark: "",
      });
    }),
  );
});

const plain: NewJob = {
  id: "17fz",
  mayExist: false,
  name: "resize",
  body: '{"photo":"a.jpg"}',
  headers: {},
  delayMs: 0,
  priority: 0,
  maxAttempts: 5,
  key: undefined,
  dedup: undefined,
  parent: undefined,
};

test("a plain job takes few bytes", () => {
  expect(recordOf(plain, "k3fQ")).toBe('1:k3fQ.0|||["17fz","resize",5]\n{"photo":"a.jpg"}');
});

test("a record that scripts have written over says where the job is in its life", () => {
  const record = stored(recordOf(plain, "k3fQ")).replace(
    "1:k3fQ.0||",
    "3:k3fQ.12|0000000000000042|x",
  );
  expect(readRecord(record)).toMatchObject({ attempt: 3, token: "17fz:3:k3fQ.12", mark: "x" });
});

test("a job that is claimed says how long it was ready", () => {
  const record = stored(recordOf(plain, "k3fQ"));
  expect(claimedJob(record, 1_796_000_000_300)).toMatchObject({ waitedMs: 50, attempt: 1 });
  // The server's clock was set back.
  expect(claimedJob(record, 1_796_000_000_000)).toMatchObject({ waitedMs: 0 });
});

test("half a surrogate pair becomes a character that Redis and its JSON reader can take", () => {
  const job = { ...plain, key: "a\ud800", headers: { b: "\udfff" } };
  const read = readRecord(stored(recordOf(job, "n")));
  expect([read.key, read.headers]).toEqual(["a\ufffd", { b: "\ufffd" }]);
});

test("a parent's delay is kept for when it is held no more", () => {
  expect(recordOf(plain, "n", 500)).toContain('["17fz","resize",5,0,0,0,0,0,0,500]');
  expect(readRecord(stored(recordOf(plain, "n", 500)))).toMatchObject({ headers: {}, priority: 0 });
});
