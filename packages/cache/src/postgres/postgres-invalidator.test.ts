import { expect, test } from "vitest";
import { postgresInvalidator } from "./postgres-invalidator.ts";

const valid = {
  cache: { clear: async () => {}, invalidateTags: async () => {} },
  connect: () => {
    throw new Error("not in this test");
  },
  tables: [],
};

test.each<[object, RegExp]>([
  [{ cache: {} }, /cache must be an object with clear, invalidateTags/],
  [{ connect: {} }, /connect must be a function/],
  [{ holdForMs: -1 }, /holdForMs/],
  [{ chanel: "x" }, /did you mean "channel"/],
  [{ tables: [{ table: "", key: [], invalidate: [] }] }, /table/],
])("%o is an error that says why", (options, message) => {
  expect(() => postgresInvalidator({ ...valid, ...options })).toThrow(message);
});

test("a connection that cannot be made is told, and tried again until it is closed", async () => {
  const errors: unknown[] = [];
  const invalidator = postgresInvalidator({ ...valid, onError: (reason) => errors.push(reason) });
  await new Promise((resolve) => setImmediate(resolve));
  await invalidator.close();
  expect(errors).toEqual([new Error("not in this test")]);
});
