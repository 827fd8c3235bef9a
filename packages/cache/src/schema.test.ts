import { expect, test } from "vitest";
import { z } from "zod";
import { matches } from "./schema.ts";

const user = z.object({ id: z.string(), age: z.number() });

test("a value that the schema accepts matches, another does not", () => {
  expect(matches(user, { id: "1", age: 2 })).toBe(true);
  expect(matches(user, { id: "1" })).toBe(false);
  expect(matches(user, null)).toBe(false);
});

test("what is known to be absent matches every schema", () => {
  expect(matches(user, undefined)).toBe(true);
});

test("without a schema everything matches", () => {
  expect(matches(undefined, Symbol("any"))).toBe(true);
});

test("a schema that throws does not match", () => {
  const throwing = z.string().refine(() => {
    throw new Error("a bug of the schema");
  });
  expect(matches(throwing, "x")).toBe(false);
  const validate = (): never => {
    throw new Error("another");
  };
  expect(matches({ "~standard": { version: 1, vendor: "test", validate } }, "x")).toBe(false);
});

test("an asynchronous schema matches nothing, and its failure ends no process", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): number => unhandled.push(reason);
  process.on("unhandledRejection", note);
  for (const validate of [
    (): Promise<never> => Promise.reject(new Error("too late")),
    async (value: unknown) => ({ value }),
  ]) {
    expect(matches({ "~standard": { version: 1, vendor: "test", validate } }, "x")).toBe(false);
  }
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});
