import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEncryption, type EncryptionOptions } from "./encryption.ts";

const secret = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const encryption = createEncryption({ keys: [{ id: "2026-01", secret: secret(1) }] });
const bytes = Buffer.from("the value of the entry");
const bound = Buffer.from("shop:user:42");

test("what is encrypted does not show, and is itself again", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4 }), fc.uint8Array(), (value, boundTo) => {
      const encrypted = Buffer.from(encryption.encrypt(value, boundTo));
      expect(encrypted.length).toBe(value.length + 1 + "2026-01".length + 12 + 16);
      expect(encrypted.subarray(36).equals(value)).toBe(false);
      expect(Buffer.from(encryption.decrypt(encrypted, boundTo) ?? [])).toEqual(Buffer.from(value));
    }),
  );
});

test("nothing that was changed or cut decrypts, at whatever bit", () => {
  const encrypted = Buffer.from(encryption.encrypt(bytes, bound));
  for (let bit = 0; bit < encrypted.length * 8; bit++) {
    const changed = Buffer.from(encrypted);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(encryption.decrypt(changed, bound)).toBeUndefined();
  }
  for (let length = 0; length < encrypted.length; length++) {
    expect(encryption.decrypt(encrypted.subarray(0, length), bound)).toBeUndefined();
  }
});

test("a value does not decrypt under another key of the cache", () => {
  const encrypted = encryption.encrypt(bytes, bound);
  expect(encryption.decrypt(encrypted, Buffer.from("shop:user:43"))).toBeUndefined();
});

test("the same value is never encrypted to the same bytes, by one process or two", () => {
  const again = createEncryption({ keys: [{ id: "2026-01", secret: secret(1) }] });
  const nonces = new Set<string>();
  for (const each of [encryption, again]) {
    for (let index = 0; index < 1000; index++) {
      nonces.add(Buffer.from(each.encrypt(bytes, bound)).toString("hex", 8, 20));
    }
  }
  expect(nonces.size).toBe(2000);
});

describe("rotation", () => {
  const rotated = createEncryption({
    keys: [
      { id: "2026-02", secret: secret(2) },
      { id: "2026-01", secret: secret(1) },
    ],
  });

  test("old values still decrypt, new ones are encrypted with the first key", () => {
    expect(rotated.decrypt(encryption.encrypt(bytes, bound), bound)).toEqual(bytes);
    expect(encryption.decrypt(rotated.encrypt(bytes, bound), bound)).toBeUndefined();
  });

  test("a key of the same name with another secret decrypts nothing", () => {
    const other = createEncryption({ keys: [{ id: "2026-01", secret: secret(9) }] });
    expect(other.decrypt(encryption.encrypt(bytes, bound), bound)).toBeUndefined();
  });
});

describe("options are checked, and no message shows a secret:", () => {
  const key = { id: "a", secret: secret(7) };
  test.each<[message: string, options: unknown]>([
    ['unknown option "key", did you mean "keys"?', { key }],
    ["encryption.keys must be an array", {}],
    ["encryption.keys must have at least one key", { keys: [] }],
    ["encryption.keys[0].id must be 1 to 32 printable ASCII", { keys: [{ ...key, id: "é" }] }],
    ["encryption.keys[0].id must be 1 to 32 printable ASCII", { keys: [{ ...key, id: "" }] }],
    ['encryption.keys[1].id must be used once, got "a" again', { keys: [key, key] }],
    ["encryption.keys[0].secret must be a Uint8Array", { keys: [{ id: "a", secret: "hunter2" }] }],
    [
      "encryption.keys[0].secret must have 32 bytes, got 16",
      { keys: [{ id: "a", secret: new Uint8Array(16) }] },
    ],
  ])("%s", (message, options) => {
    expect(() => createEncryption(options as EncryptionOptions)).toThrow(message);
    expect(() => createEncryption(options as EncryptionOptions)).not.toThrow("hunter2");
  });
});
