import { expect, test } from "vitest";
import { kedaHandler } from "./express-entry.ts";

test("the entry has the handler", () => {
  expect(kedaHandler).toBeTypeOf("function");
});
