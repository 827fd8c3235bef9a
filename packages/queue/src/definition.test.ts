import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { type AnyDefinition, type Definition, defineQueue, type TypesOf } from "./definition.ts";

test("a definition is its name, its queue and its rules, and cannot be changed", () => {
  const photos = defineQueue({ name: "photos", queue: "media" });
  expect(photos).toMatchObject({ name: "photos", queue: "media", rules: { attempts: 5 } });
  expect(Object.isFrozen(photos)).toBe(true);
  expectTypeOf(photos).toExtend<AnyDefinition>();
});

test("types are those of the schemas: what goes in, what the handler gets, and what comes out", () => {
  const photos = defineQueue({
    name: "photos",
    input: z.object({ user: z.string(), size: z.coerce.number() }),
    output: z.string().transform((text) => text.length),
    key: (data) => {
      expectTypeOf(data).toEqualTypeOf<{ user: string; size: number }>();
      return data.user;
    },
    dedup: { key: (data) => `${data.user}/${data.size}`, windowMs: 1_000 },
  });
  type Types = TypesOf<typeof photos>;
  expectTypeOf<Types["input"]>().toEqualTypeOf<{ user: string; size: unknown }>();
  expectTypeOf<Types["data"]>().toEqualTypeOf<{ user: string; size: number }>();
  expectTypeOf<Types["returned"]>().toEqualTypeOf<string>();
  expectTypeOf<Types["output"]>().toEqualTypeOf<number>();
  expectTypeOf<Types["needs"]>().toEqualTypeOf<"keys" | "dedup" | "results" | "deadLetters">();
});

test("features are those of the options that are there", () => {
  const plain = defineQueue({ name: "a" });
  expectTypeOf<TypesOf<typeof plain>["input"]>().toEqualTypeOf<unknown>();
  expectTypeOf<TypesOf<typeof plain>["needs"]>().toEqualTypeOf<"deadLetters">();
  const bare = defineQueue({ name: "a", dead: false });
  expectTypeOf<TypesOf<typeof bare>["needs"]>().toEqualTypeOf<never>();
  const limited = defineQueue({
    name: "a",
    limits: { concurrency: 3 },
    maxBacklog: 5,
    results: {},
    dead: { keepCount: 1 },
  });
  expectTypeOf<TypesOf<typeof limited>["needs"]>().toEqualTypeOf<
    "limits" | "maxBacklog" | "results" | "deadLetters"
  >();
});

test("without a schema the types may be given, and the rest is left to boot", () => {
  const mail = defineQueue<{ to: string }, number>({ name: "mail", key: (data) => data.to });
  expectTypeOf(mail).toEqualTypeOf<
    Definition<{ to: string }, { to: string }, number, number, never>
  >();
});

test("a wrong field is a compile error", () => {
  const input = z.object({ user: z.string() });
  // @ts-expect-error: there is no such field
  expect(() => defineQueue({ name: "a", input, key: (data) => data.nope })).not.toThrow();
  // @ts-expect-error: a key is a text
  expect(() => defineQueue({ name: "a", input, key: () => 7 })).not.toThrow();
});
