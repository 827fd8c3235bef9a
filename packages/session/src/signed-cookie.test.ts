import fc from "fast-check";
import { expect, test } from "vitest";
import { newSessionId } from "./session-id.ts";
import { CookieSigner } from "./signed-cookie.ts";

const [first, second] = ["1".repeat(32), "2".repeat(32)];

test("what is signed is verified, with the secret that signed it and those before", () => {
  const id = newSessionId();
  const old = new CookieSigner("sid", [first]).sign(id);
  const rotated = new CookieSigner("sid", [second, first]);
  expect(rotated.verify(old)).toEqual({ id, isOld: true });
  expect(rotated.verify(rotated.sign(id))).toEqual({ id, isOld: false });
  expect(new CookieSigner("sid", [second]).verify(old)).toBeUndefined();
});

test("a value for another cookie is worth nothing", () => {
  const value = new CookieSigner("a", [first]).sign(newSessionId());
  expect(new CookieSigner("b", [first]).verify(value)).toBeUndefined();
});

test("a changed value is not verified, whatever was changed", () => {
  const signer = new CookieSigner("sid", [first]);
  const value = signer.sign(newSessionId());
  fc.assert(
    fc.property(fc.nat(value.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, by) => {
      const changed = value.slice(0, at) + by + value.slice(at + 1);
      fc.pre(changed !== value);
      expect(signer.verify(changed)).toBeUndefined();
    }),
  );
});

test.each(["", ".", "x".repeat(87), `${"a".repeat(43)}.`, "a".repeat(5_000)])(
  "%j is not verified",
  (value) => expect(new CookieSigner("sid", [first]).verify(value)).toBeUndefined(),
);

test("a derived token belongs to an id and a purpose", () => {
  const signer = new CookieSigner("sid", [second, first]);
  const [id, other] = [newSessionId(), newSessionId()];
  const token = signer.derive("csrf", id);
  expect(signer.isDerived(token, "csrf", id)).toBe(true);
  expect(signer.isDerived(token, "csrf", other)).toBe(false);
  expect(signer.isDerived(token, "mail", id)).toBe(false);
  expect(signer.isDerived("", "csrf", id)).toBe(false);
  const old = new CookieSigner("sid", [first]).derive("csrf", id);
  expect(signer.isDerived(old, "csrf", id)).toBe(true);
});

test("name and value are far below the 4096 bytes that browsers take", () => {
  const value = new CookieSigner("__Host-sid", ["s".repeat(32)]).sign("a".repeat(43));
  expect(`__Host-sid=${value}`).toHaveLength(98);
});
