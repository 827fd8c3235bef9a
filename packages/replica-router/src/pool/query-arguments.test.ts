import { expect, test } from "vitest";
import { queryArguments } from "./query-arguments.ts";

const callback = () => {};

test("text, values and callback in all the orders that pg takes", () => {
  const plain = { query: "select 1", text: "select 1", route: undefined, isSubmittable: false };
  expect(queryArguments("select 1", undefined, undefined)).toMatchObject({
    ...plain,
    callback: undefined,
  });
  expect(queryArguments("select 1", [1], callback)).toMatchObject({
    ...plain,
    values: [1],
    callback,
  });
  expect(queryArguments("select 1", callback, undefined)).toMatchObject({
    ...plain,
    values: undefined,
    callback,
  });
});

test("an object is not written to, and may have its text on its prototype", () => {
  class Built {
    get text() {
      return "select $1";
    }
    values = [1];
  }
  const built = Object.freeze(new Built());
  const { query, text } = queryArguments(built, undefined, undefined);
  Object.assign(query, { callback });
  expect(query).toMatchObject({ text: "select $1", values: [1] });
  expect(text).toBe("select $1");
  expect("callback" in built).toBe(false);
});

test("a callback in the object counts", () => {
  expect(queryArguments({ text: "select 1", callback }, undefined, undefined).callback).toBe(
    callback,
  );
});

test("the text of cursors and of streams is looked at", () => {
  const submit = () => {};
  expect(queryArguments({ submit, text: "select 1" }, undefined, undefined)).toMatchObject({
    text: "select 1",
    isSubmittable: true,
  });
  expect(queryArguments({ submit, cursor: { text: "select 2" } }, undefined, undefined).text).toBe(
    "select 2",
  );
  expect(queryArguments({ submit }, undefined, undefined).text).toBe("");
});

test.each([
  [undefined, /must be a string or an object/],
  [null, /must be a string or an object/],
  [{ text: ["select 1"] }, /text of a query must be a string/],
  [
    { text: "select 1", route: "secondary" },
    /route must be "primary" or "replica", got "secondary"/,
  ],
] as const)("%o is refused", (query, message) => {
  expect(() => queryArguments(query, undefined, undefined)).toThrow(message);
});
