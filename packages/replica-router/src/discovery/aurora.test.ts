import { systemClock } from "@headroom/core/clock";
import { expect, test } from "vitest";
import { aurora } from "./aurora.ts";

const list = (rows: Record<string, unknown>[]) =>
  aurora({
    connectionFor: ({ id, isWriter }) =>
      id === "batch" ? undefined : { host: `${id}.example.org`, name: isWriter ? "writer" : id },
  }).list({
    query: async () => rows,
    signal: new AbortController().signal,
    clock: systemClock,
  });

test("an instance's endpoint is made of its identifier", async () => {
  const servers = await list([
    { id: "one", writer: true },
    { id: "two", writer: false },
    { id: "batch", writer: false },
  ]);
  expect(servers).toEqual([
    { host: "one.example.org", name: "writer" },
    { host: "two.example.org", name: "two" },
  ]);
});

test("no instance at all is no answer", async () => {
  await expect(list([])).rejects.toThrow(/names no instance/);
});

test("options are checked", () => {
  expect(() => aurora({} as never)).toThrow(/connectionFor must be a function/);
  expect(() => aurora({ connectionFor: () => "", every: 1 } as never)).toThrow(/"everyMs"/);
});
