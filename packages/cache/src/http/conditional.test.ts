import { expect, test } from "vitest";
import { isNotModified } from "./conditional.ts";
import type { StoredResponse } from "./stored-response.ts";

const STORED: StoredResponse = {
  status: 200,
  headers: { etag: 'W/"a,b"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT" },
  body: new Uint8Array(),
  vary: {},
  storedAtMs: 0,
  ageMs: 0,
  lifetime: { freshMs: 1, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 },
};

test.each<[Record<string, string>, boolean]>([
  [{}, false],
  [{ "if-none-match": '"a,b"' }, true],
  [{ "if-none-match": '"x", W/"a,b" ,"y"' }, true],
  [{ "if-none-match": '"a"' }, false],
  [{ "if-none-match": "a,b" }, false],
  [{ "if-none-match": " * " }, true],
  [{ "if-modified-since": "Thu, 01 Jan 2026 00:00:00 GMT" }, true],
  [{ "if-modified-since": "Wed, 31 Dec 2025 23:59:59 GMT" }, false],
  [{ "if-modified-since": "yesterday" }, false],
  [{ "if-none-match": '"x"', "if-modified-since": "Fri, 02 Jan 2026 00:00:00 GMT" }, false],
])("%o of a client that may have it: %s", (headers, expected) => {
  expect(isNotModified(STORED, headers)).toBe(expected);
});

test("only a 200 becomes a 304", () => {
  expect(isNotModified({ ...STORED, status: 404 }, { "if-none-match": "*" })).toBe(false);
});
