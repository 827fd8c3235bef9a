import { describe, expect, test } from "vitest";
import { deepFreeze, type Protection, protectionOf, requireProtection } from "./protect.ts";

class Entity {
  name = "Ada";
}

describe("freeze", () => {
  const { keep, give } = protectionOf("freeze");

  test("makes objects, lists and what is in maps and sets immutable, and keeps the value itself", () => {
    const value = { list: [{ a: 1 }], map: new Map([[{ k: 1 }, { v: 1 }]]), set: new Set([[1]]) };
    expect(keep(value)).toBe(value);
    expect(give(value)).toBe(value);
    const [[key, member] = [{}, {}]] = value.map;
    for (const each of [value, value.list, value.list[0], key, member, ...value.set]) {
      expect(Object.isFrozen(each)).toBe(true);
    }
    expect(() => value.list.push({ a: 2 })).toThrow(TypeError);
  });

  test("goes into what was frozen on the surface", () => {
    const inner = { a: 1 };
    keep(Object.freeze({ inner }));
    expect(Object.isFrozen(inner)).toBe(true);
  });

  test("leaves buffers, dates and instances of classes alone", () => {
    const value = {
      bytes: Buffer.from("a"),
      view: new Uint8Array(1),
      at: new Date(0),
      entity: new Entity(),
    };
    keep(value);
    value.bytes[0] = 98;
    value.entity.name = "Grace";
    expect([value.bytes.toString(), value.entity.name]).toEqual(["b", "Grace"]);
  });

  test("ends with cycles and depth, and calls no getter", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    expect(Object.isFrozen(deepFreeze(cycle))).toBe(true);
    let deep: unknown = {};
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(Object.isFrozen(deepFreeze(deep))).toBe(true);
    let calls = 0;
    deepFreeze({
      get lazy() {
        return ++calls;
      },
    });
    expect(calls).toBe(0);
  });

  test.each([[undefined], [null], ["text"], [1]])("gives %o back", (value) => {
    expect(keep(value)).toBe(value);
  });
});

test("clone: what is kept and what each caller gets are different objects", () => {
  const { keep, give } = protectionOf("clone");
  const value = { list: [1], at: new Date(0) };
  const kept = keep(value) as typeof value;
  const given = give(kept) as typeof value;
  value.list.push(2);
  given.list.push(3);
  expect(kept).toEqual({ list: [1], at: new Date(0) });
  expect(give(kept)).toEqual(kept);
});

test("share: the value itself, as it is", () => {
  const { keep, give } = protectionOf("share");
  const value = { a: 1 };
  expect(give(keep(value))).toBe(value);
  expect(Object.isFrozen(value)).toBe(false);
});

test("a protection that does not exist is refused by name", () => {
  expect(requireProtection("values", "clone")).toBe("clone");
  for (const mode of ["frozen", "toString"]) {
    expect(() => requireProtection("values", mode as Protection)).toThrow(
      new TypeError(`values must be one of "freeze", "clone", "share", got "${mode}"`),
    );
  }
  expect(() => requireProtection("values", true as unknown as Protection)).toThrow("got boolean");
});
