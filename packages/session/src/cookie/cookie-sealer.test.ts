import { expect, test } from "vitest";
import { CookieSealer, sealedLength } from "./cookie-sealer.ts";

const [secret, older] = ["a".repeat(32), "b".repeat(32)];

test("what is sealed is opened, with the secret that sealed it and those before", () => {
  const text = '{"theme":"dark 🎈"}';
  const value = new CookieSealer("sid", [older]).seal(text);
  expect(new CookieSealer("sid", [older]).open(value)).toEqual({ text, isOld: false });
  expect(new CookieSealer("sid", [secret, older]).open(value)).toEqual({ text, isOld: true });
  expect(new CookieSealer("sid", [secret]).open(value)).toBeUndefined();
  expect(value).toMatch(/^[\w-]+$/);
  expect(value).toHaveLength(sealedLength(Buffer.byteLength(text)));
});

test("the same text is never the same value, and shows nothing", () => {
  const sealer = new CookieSealer("sid", [secret]);
  const [one, other] = [sealer.seal("visible"), sealer.seal("visible")];
  expect(one).not.toBe(other);
  expect(Buffer.from(one, "base64url").toString("latin1")).not.toContain("visible");
});

test("a value for another cookie is worth nothing", () => {
  const value = new CookieSealer("other", [secret]).seal("a");
  expect(new CookieSealer("sid", [secret]).open(value)).toBeUndefined();
});

test("a value of which any bit was changed is not opened", () => {
  const sealer = new CookieSealer("sid", [secret]);
  const bytes = Buffer.from(sealer.seal("a"), "base64url");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expect(sealer.open(changed.toString("base64url"))).toBeUndefined();
  }
});

test.each(["", "AQ", "a".repeat(54), "ä".repeat(60), "x".repeat(5_000)])(
  "%o is not opened",
  (value) => {
    expect(new CookieSealer("sid", [secret]).open(value)).toBeUndefined();
  },
);
