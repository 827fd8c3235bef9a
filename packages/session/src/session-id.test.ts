import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { isSessionId, newSessionId, rotatedSessionId, sessionKey } from "./session-id.ts";

test("an id is 32 random bytes as base64url", () => {
  const ids = Array.from({ length: 100 }, () => newSessionId());
  expect(new Set(ids).size).toBe(100);
  expect(ids.every(isSessionId)).toBe(true);
  expect(newSessionId((size) => Buffer.alloc(size, 255))).toBe(`${"_".repeat(42)}8`);
});

test("a rotated id keeps its place and nothing else", () => {
  const id = newSessionId();
  const rotated = rotatedSessionId(id);
  expect(isSessionId(rotated)).toBe(true);
  expect(rotated.slice(0, 8)).toBe(id.slice(0, 8));
  expect(rotated.slice(8)).not.toBe(id.slice(8));
  expect(sessionKey(rotated).slice(0, 9)).toBe(sessionKey(id).slice(0, 9));
});

test("a key is the place and the hash of the id, and shows no more of it", () => {
  const id = newSessionId();
  const digest = createHash("sha256").update(id).digest("base64url");
  expect(sessionKey(id)).toBe(`${id.slice(0, 8)}:${digest}`);
  expect(sessionKey(id)).not.toContain(id.slice(8, 16));
});

test("an id of others shows nothing at all", () => {
  const key = sessionKey("short");
  expect(key).toMatch(/^[\w-]{8}:[\w-]{43}$/);
  expect(key).not.toContain("short");
});

test.each(["", "a", "a".repeat(42), "a".repeat(44), `${"a".repeat(42)}.`, `${"a".repeat(42)}\n`])(
  "%j is no id of ours",
  (value) => expect(isSessionId(value)).toBe(false),
);

test("an id of others that is rotated becomes one of ours, in the slot of its key", () => {
  const rotated = rotatedSessionId("theirs");
  expect(isSessionId(rotated)).toBe(true);
  expect(sessionKey(rotated).slice(0, 9)).toBe(sessionKey("theirs").slice(0, 9));
});
