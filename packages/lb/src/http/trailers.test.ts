import { expect, test } from "vitest";
import { clientTrailers } from "./trailers.ts";

const raw = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));

test("trailers are passed on, raw or as the object of HTTP/2", () => {
  expect(clientTrailers(raw("Server-Timing", "db;dur=5"))).toEqual([["Server-Timing", "db;dur=5"]]);
  expect(clientTrailers({ etag: "1", "x-many": ["a", "b"] })).toEqual([
    ["etag", "1"],
    ["x-many", "a"],
    ["x-many", "b"],
  ]);
});

test.each(["Content-Length", "Set-Cookie", "If-Match", "Host", "Transfer-Encoding", "Connection"])(
  "%s comes too late, or is for one hop only",
  (name) => {
    expect(clientTrailers(raw(name, "x"))).toBeUndefined();
  },
);

test("none, and none that are malformed", () => {
  expect(clientTrailers(null)).toBeUndefined();
  expect(clientTrailers([])).toBeUndefined();
  expect(clientTrailers(raw("a", "b\r\nc: d"))).toBeUndefined();
});
