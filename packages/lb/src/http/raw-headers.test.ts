import { describe, expect, test } from "vitest";
import { headerOf, isNamed, textOf } from "./raw-headers.ts";

const b = (text: string): Buffer => Buffer.from(text, "latin1");

describe("isNamed", () => {
  test("compares names whatever their case, as text or bytes", () => {
    expect(isNamed("Retry-After", "retry-after")).toBe(true);
    expect(isNamed(b("RETRY-AFTER"), "retry-after")).toBe(true);
    expect(isNamed(b("retry-aftex"), "retry-after")).toBe(false);
    expect(isNamed("retry-after ", "retry-after")).toBe(false);
  });
});

describe("textOf", () => {
  test("reads bytes as latin1 and joins a list", () => {
    expect(textOf(Buffer.from([0x63, 0xe9]))).toBe("cé");
    expect(textOf([b("a"), b("b")])).toBe("a, b");
    expect(textOf("as it is")).toBe("as it is");
  });
});

describe("headerOf", () => {
  test("gives the value of the first header of this name", () => {
    const raw = ["Host", "a", "X-Id", "1", "x-id", "2"];
    expect(headerOf(raw, "x-id")).toBe("1");
    expect(headerOf(raw.map(b), "x-id")).toBe("1");
    expect(headerOf([b("Set-Cookie"), [b("a=1"), b("b=2")]], "set-cookie")).toBe("a=1, b=2");
  });

  test("never takes a value for a name, nor a name without a value", () => {
    expect(headerOf(["host", "x-id", "other", "1"], "x-id")).toBeUndefined();
    expect(headerOf(["host", "a", "x-id"], "x-id")).toBeUndefined();
    expect(headerOf([], "x-id")).toBeUndefined();
  });
});
