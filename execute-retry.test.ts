import fc from "fast-check";
import { expect, test } from "vitest";
import { type Failure, remedyFor } from "./execute-retry.ts";

const failure = (message: string, fields: object = {}): Error =>
  Object.assign(new Error(message), fields);

const DIED = failure("Connection terminated unexpectedly");
const REFUSED = failure("connect ECONNREFUSED", { code: "ECONNREFUSED" });
const READ_ONLY = failure("cannot execute INSERT in a read-only transaction", { code: "25006" });
const CONFLICT = failure("canceling statement due to conflict with recovery", { code: "40001" });
const DUPLICATE = failure("duplicate key", { code: "23505" });
const EXHAUSTED = failure("timeout exceeded when trying to connect");

const read = { sent: true, read: true, onPrimary: false, asked: false, streaming: false };
const write = { ...read, read: false, onPrimary: true };

const cases: [string, Failure, string][] = [
  ["a read whose server died goes elsewhere", { ...read, error: DIED }, "elsewhere"],
  ["a read the primary died under too", { ...read, onPrimary: true, error: DIED }, "elsewhere"],
  ["a read that got no connection", { ...read, sent: false, error: REFUSED }, "elsewhere"],
  ["a read cancelled by replay", { ...read, error: CONFLICT }, "elsewhere"],
  ["a read, all connections in use", { ...read, sent: false, error: EXHAUSTED }, "elsewhere"],
  [
    "a read, all connections of the primary in use",
    { ...read, sent: false, onPrimary: true, error: EXHAUSTED },
    "give-up",
  ],
  ["a read with a mistake in it", { ...read, error: DUPLICATE }, "give-up"],
  ["a read that turns out to write", { ...read, error: READ_ONLY }, "it-writes"],
  ["a write on a replica by name", { ...read, asked: true, error: READ_ONLY }, "give-up"],
  ["rows already given out", { ...read, streaming: true, error: DIED }, "give-up"],
  [
    "a stream that was not begun",
    { ...read, streaming: true, sent: false, error: REFUSED },
    "elsewhere",
  ],
  ["a write that was sent", { ...write, error: DIED }, "outcome-unknown"],
  ["a write that was not", { ...write, sent: false, error: REFUSED }, "next-primary"],
  ["a write on a demoted primary", { ...write, error: READ_ONLY }, "next-primary"],
  ["a write with a mistake in it", { ...write, error: DUPLICATE }, "give-up"],
  ["a write, all connections in use", { ...write, sent: false, error: EXHAUSTED }, "give-up"],
  [
    "a write to a connection already dead",
    { ...write, error: failure("Client has encountered a connection error and is not queryable") },
    "next-primary",
  ],
];

test.each(cases)("%s", (_, given, remedy) => {
  expect(remedyFor(given)).toBe(remedy);
});

test("no write that may have run is ever run again", () => {
  const errors = fc.constantFrom(DIED, REFUSED, CONFLICT, DUPLICATE, failure("?", { code: "57P01" }));
  fc.assert(
    fc.property(errors, fc.boolean(), fc.boolean(), (error, onPrimary, asked) => {
      const remedy = remedyFor({ error, sent: true, read: false, onPrimary, asked, streaming: false });
      expect(["give-up", "outcome-unknown"]).toContain(remedy);
    }),
  );
});
