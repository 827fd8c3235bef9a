import { inspect } from "node:util";
import { type } from "arktype";
import * as v from "valibot";
import { expect, test } from "vitest";
import { z } from "zod";
import { isPending, QueueInvalidError, validated } from "./schema.ts";

const check = (schema: Parameters<typeof validated>[0], value: unknown): unknown =>
  validated(schema, "photos", "data", value);

test.each([
  ["zod", z.object({ size: z.number() })],
  ["valibot", v.object({ size: v.number() })],
  ["arktype", type({ size: "number" })],
])("a schema of %s accepts, or says where it does not", (_, schema) => {
  expect(check(schema, { size: 1 })).toEqual({ size: 1 });
  let thrown: unknown;
  try {
    check(schema, { size: "secret" });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(QueueInvalidError);
  expect(thrown).toMatchObject({
    code: "QUEUE_INVALID",
    issues: [{ path: "size", message: expect.any(String) }],
  });
  expect(String(thrown)).toContain("at size");
  expect(inspect(thrown)).not.toContain("secret");
});

test("what the schema makes of it is what is used, at once", () => {
  const schema = z.object({ at: z.string().transform(Number), by: z.string().default("nobody") });
  expect(check(schema, { at: "7" })).toEqual({ at: 7, by: "nobody" });
});

test("an asynchronous schema is waited for, both ways", async () => {
  const schema = z.string().refine(async (text) => text !== "bad");
  const good = check(schema, "good");
  expect(isPending(good)).toBe(true);
  expect(await good).toBe("good");
  await expect(check(schema, "bad")).rejects.toMatchObject({ code: "QUEUE_INVALID" });
});

test("without a schema everything is taken as it is; an issue of the whole has no path", () => {
  const value = { any: "thing" };
  expect(check(undefined, value)).toBe(value);
  expect(() => check(z.string(), 1)).toThrow("the whole");
});
