import fc from "fast-check";
import { expect, test } from "vitest";
import { formatToken, laterToken, parseToken, type Token } from "./token.ts";

const tokens = fc.record({
  system: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
  timeline: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  lsn: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: undefined }),
  madeMs: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
});

test("what was written is read again, and fits a cookie as it is", () => {
  fc.assert(
    fc.property(tokens, (token) => {
      expect(formatToken(token)).toMatch(/^[\w.-]{1,64}$/);
      expect(parseToken(formatToken(token))).toEqual(token);
    }),
  );
});

test.each(["", "1", "2.1.1.A.a", "1.x.1.A.a", "1.1.1.A.a.", "1.1.1.a.a", 7, null])(
  "%o is none",
  (text) => expect(parseToken(text)).toBeUndefined(),
);

test("two together ask for what each of them asks for", () => {
  const one: Token = { system: "1", timeline: 1, lsn: 5n, madeMs: 0 };
  const more = { ...one, lsn: 6n };
  const unknown = { ...one, lsn: undefined };
  const promoted = { ...one, timeline: 2, lsn: 3n };
  const elsewhere = { ...one, system: "2", madeMs: 1 };
  for (const [less, later] of [
    [one, more],
    [more, unknown],
    [unknown, { ...unknown, madeMs: 1 }],
    [more, promoted],
    [one, elsewhere],
    [undefined, one],
  ] as const) {
    expect(laterToken(less, later)).toBe(later);
    expect(laterToken(later, less)).toBe(later);
  }
  expect(laterToken(undefined, undefined)).toBeUndefined();
});
