import { expect, test } from "vitest";
import { FieldChanges } from "./field-changes.ts";

function loaded(fields: Record<string, string>): FieldChanges {
  const changes = new FieldChanges();
  changes.load(new Map(Object.entries(fields)));
  return changes;
}

test("what was only read is not written", () => {
  const fields = loaded({ a: "[1]", b: '{"x" : 1}' });
  expect(fields.get("a")).toEqual([1]);
  expect(fields.areChanged).toBe(false);
  expect(fields.delta()).toEqual({ set: new Map(), del: [] });
});

test("a change inside of a value is found", () => {
  const fields = loaded({ cart: "[1]", other: "[1]" });
  (fields.get("cart") as number[]).push(2);
  expect(fields.areChanged).toBe(true);
  expect(fields.delta()).toEqual({ set: new Map([["cart", "[1,2]"]]), del: [] });
});

test("what is set to what it was is not written", () => {
  const fields = loaded({ a: "1" });
  fields.set("a", 2);
  fields.set("a", 1);
  expect(fields.areChanged).toBe(false);
  expect(fields.delta()).toEqual({ set: new Map(), del: [] });
});

test("without loading, what is set and deleted is written blindly", () => {
  const fields = new FieldChanges();
  fields.set("a", 1);
  fields.delete("b");
  expect(fields.areChanged).toBe(true);
  expect(fields.delta()).toEqual({ set: new Map([["a", "1"]]), del: ["b"] });
  expect([fields.knows("a"), fields.knows("b"), fields.knows("c")]).toEqual([true, true, false]);
  fields.load(
    new Map([
      ["a", "0"],
      ["c", "3"],
    ]),
  );
  expect([fields.get("a"), fields.get("b"), fields.get("c")]).toEqual([1, undefined, 3]);
  expect(fields.delta()).toEqual({ set: new Map([["a", "1"]]), del: [] });
});

test("set after delete is set, delete after set is deleted", () => {
  const fields = loaded({ a: "1", b: "2" });
  fields.delete("a");
  fields.set("a", 5);
  fields.set("b", 6);
  fields.delete("b");
  expect(fields.names()).toEqual(["a"]);
  expect(fields.delta()).toEqual({ set: new Map([["a", "5"]]), del: ["b"] });
});

test("what was committed is not written again", () => {
  const fields = loaded({ a: "1" });
  fields.set("b", 2);
  fields.delete("a");
  fields.committed(fields.delta());
  expect(fields.areChanged).toBe(false);
  expect(fields.delta()).toEqual({ set: new Map(), del: [] });
  expect(fields.all(fields.delta())).toEqual(new Map([["b", "2"]]));
  expect(fields.storedText("b")).toBe("2");
});

test("what is forgotten is read anew, what is reset is gone", () => {
  const fields = loaded({ a: "1" });
  fields.set("a", 2);
  fields.forget("a");
  expect(fields.get("a")).toBe(1);
  fields.reset();
  expect(fields.names()).toEqual([]);
  expect(fields.areChanged).toBe(false);
  expect(fields.delta()).toEqual({ set: new Map(), del: [] });
});

test("a value that was made one that is not JSON is refused", () => {
  const fields = loaded({ a: "{}" });
  (fields.get("a") as Record<string, unknown>)["at"] = new Date(0);
  expect(() => fields.delta()).toThrow(/a\.at is a Date/);
});
