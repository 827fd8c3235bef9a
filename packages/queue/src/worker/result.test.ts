import { expect, test } from "vitest";
import { z } from "zod";
import type { QueueDriver } from "../driver.ts";
import { keepsResult, resultText } from "./result.ts";

const rules = { output: undefined, maxBytes: 100 };
const able = { capabilities: { results: true } } as QueueDriver;
const unable = { capabilities: { results: false } } as QueueDriver;

test("a result is kept where somebody may read it", () => {
  const keep = { ms: 1, count: 1 };
  const parent = { queue: "q", id: "1" };
  expect(keepsResult({ results: keep }, able, { parent: undefined })).toBe(true);
  expect(keepsResult({ results: undefined }, able, { parent })).toBe(true);
  expect(keepsResult({ results: undefined }, able, { parent: undefined })).toBe(false);
  expect(keepsResult({ results: undefined }, unable, { parent })).toBe(false);
});

test("it is kept as it was returned, and must fit once it is read", async () => {
  expect(resultText(rules, "q", { a: 1 })).toBe('{"a":1}');
  expect(resultText(rules, "q", undefined)).toBeUndefined();
  const output = z.string().transform((text) => text.length);
  expect(resultText({ ...rules, output }, "q", "four")).toBe('"four"');
  expect(() => resultText({ ...rules, output }, "q", 4)).toThrow("does not fit");
  expect(() => resultText({ ...rules, output: z.date() }, "q", new Date(0))).toThrow("fit");
  const slow = z.string().refine(async (text) => text !== "bad");
  expect(await resultText({ ...rules, output: slow }, "q", "good")).toBe('"good"');
  await expect(resultText({ ...rules, output: slow }, "q", "bad")).rejects.toThrow("fit");
});

test("what cannot be kept says so", () => {
  expect(() => resultText(rules, "q", 10n)).toThrow("the result is a bigint");
  expect(() => resultText(rules, "q", "x".repeat(100))).toThrow("maxBytes (100)");
});
