import { systemClock } from "@headroom/core/clock";
import { expect, test } from "vitest";
import { resolver, type ServerResolver } from "./resolver.ts";

const context = {
  query: async () => [],
  signal: new AbortController().signal,
  clock: systemClock,
};

test("what the function gives, now or later, is the list", async () => {
  const servers = [{ host: "a" }];
  expect(await resolver(() => servers).list(context)).toBe(servers);
  expect(await resolver(async () => servers).list(context)).toBe(servers);
});

test("it gets the signal", async () => {
  let seen: AbortSignal | undefined;
  await resolver((signal) => {
    seen = signal;
    return [];
  }).list(context);
  expect(seen).toBe(context.signal);
});

test("an answer that is no list is an error", async () => {
  const wrong = (() => "a") as unknown as ServerResolver;
  await expect(resolver(wrong).list(context)).rejects.toThrow(/a list of servers/);
});

test("options are checked", () => {
  expect(() => resolver("a" as never)).toThrow(/resolve must be a function/);
  expect(() => resolver(() => [], { every: 5 } as never)).toThrow(/"everyMs"/);
  expect(resolver(() => [], { everyMs: 5 })).toMatchObject({ name: "resolver", everyMs: 5 });
});
