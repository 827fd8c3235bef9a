import { expect, test } from "vitest";
import { readSession, readUserSession } from "./redis-hash.ts";

const meta = { createdAtMs: 5, userId: "u" };
const reply = {
  m: Buffer.from(JSON.stringify(meta)),
  s: Buffer.from("7"),
  "f:m": Buffer.from('"é"'),
  other: Buffer.from("?"),
};
const session = { fields: new Map([["m", '"é"']]), meta, seenAtMs: 7 };

test("a hash is read, as the object that ioredis makes and as the list of a pipeline", () => {
  expect(readSession(reply)).toEqual(session);
  expect(
    readSession(Object.entries(reply).flatMap(([name, value]) => [Buffer.from(name), value])),
  ).toEqual(session);
});

test("nothing, and what is not ours, is no session", () => {
  expect(readSession({})).toBeUndefined();
  expect(readSession([])).toBeUndefined();
  expect(readSession({ "f:a": Buffer.from("1") })).toBeUndefined();
  expect(readUserSession("k", [null, null])).toBeUndefined();
});

test("what a user's list shows is read", () => {
  expect(readUserSession("k", [reply.m, reply.s])).toEqual({ key: "k", meta, seenAtMs: 7 });
});
