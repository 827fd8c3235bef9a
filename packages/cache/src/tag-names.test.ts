import { expect, test } from "vitest";
import { definitionTag, EVERYTHING, ownTag } from "./tag-names.ts";

test("a tag of the application is never one of ours", () => {
  const names = [EVERYTHING, definitionTag("user"), ownTag("*"), ownTag("n:user"), ownTag("user")];
  expect(new Set(names).size).toBe(names.length);
});

test.each([[""], [5], [undefined], [["a"]]])("%o is no tag", (tag) => {
  expect(() => ownTag(tag as string)).toThrow(/a tag must be a string that is not empty/);
});
