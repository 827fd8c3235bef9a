import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { requireSecrets, Signer } from "./signer.ts";

const [secret, other] = ["s".repeat(32), "t".repeat(32)];

test("a signature is the HMAC of purpose and text", () => {
  const expected = createHmac("sha256", secret).update("sid=abc").digest("base64url");
  expect(new Signer("sid", [secret]).sign("abc")).toBe(expected);
});

test("what was signed here verifies, and nothing else does", () => {
  const signer = new Signer("sid", [secret]);
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, changed) => {
      const signature = signer.sign(text);
      expect(signer.verify(text, signature)).toEqual({ isOld: false });
      if (changed !== text) expect(signer.verify(changed, signature)).toBeUndefined();
      expect(signer.verify(text, changed)).toBeUndefined();
      expect(signer.verify(text, `${signature.slice(0, -1)}=`)).toBeUndefined();
    }),
  );
});

test("not for another purpose, nor with another secret", () => {
  const signature = new Signer("sid", [secret]).sign("abc");
  expect(new Signer("csrf", [secret]).verify("abc", signature)).toBeUndefined();
  expect(new Signer("sid", [other]).verify("abc", signature)).toBeUndefined();
});

test("an old secret verifies until it is removed", () => {
  const signature = new Signer("sid", [secret]).sign("abc");
  expect(new Signer("sid", [other, secret]).verify("abc", signature)).toEqual({ isOld: true });
});

test("a secret that is none is named and not shown", () => {
  expect(() => requireSecrets([])).toThrow(TypeError);
  expect(() => requireSecrets("s".repeat(32) as never)).toThrow(TypeError);
  expect(() => requireSecrets([secret, 5 as never])).toThrow(
    /secrets\[1\] must be a string, got number/,
  );
  expect(() => requireSecrets(["hunter2"])).toThrow(/at least 32 characters, got 7/);
  expect(() => requireSecrets(["hunter2"])).not.toThrow(/hunter2/);
});
