import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { FieldChanges } from "./field-changes.ts";
import type { CommitResult } from "./store.ts";
import { updateField } from "./update-field.ts";

/** A field that others change `meets` times before it can be changed. */
function contested(meets: number) {
  const fields = new FieldChanges();
  let stored = 0;
  const reload = async (): Promise<void> => fields.load(new Map([["n", String(stored)]]));
  const commit = async (): Promise<CommitResult> => {
    if (stored === meets) return "ok";
    stored++;
    return "conflict";
  };
  const clock = { ...createManualClock(), sleep: async () => {} };
  return { fields, reload, commit, clock, stored: () => stored };
}

test("it is made again of the newer value until it is taken", async () => {
  const { fields, ...steps } = contested(3);
  await steps.reload();
  const seen: unknown[] = [];
  const addTen = (n: unknown): number => {
    seen.push(n);
    return (n as number) + 10;
  };
  const value = await updateField(fields, "n", addTen, steps);
  expect([value, seen]).toEqual([13, [0, 1, 2, 3]]);
  expect(fields.get("n")).toBe(13);
});

test("who always loses is told so", async () => {
  const { fields, ...steps } = contested(1_000);
  await steps.reload();
  await expect(updateField(fields, "n", () => 1, steps)).rejects.toMatchObject({
    code: "SESSION_CONFLICT",
    status: 409,
    retryable: true,
  });
});

test("undefined deletes", async () => {
  const { fields, ...steps } = contested(0);
  await steps.reload();
  expect(await updateField(fields, "n", () => undefined, steps)).toBeUndefined();
  expect(fields.names()).toEqual([]);
});
