import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";

/** The table in the README says which test proves what: that test is there. */

const here = new URL("./", import.meta.url);
const readme = readFileSync(new URL("../README.md", here), "utf8");
const table = readme.slice(readme.indexOf("## OWASP ASVS"), readme.indexOf("## Measured"));
const rows = table.split("\n").filter((line) => /^\| \d/.test(line));
const tests = new Map(
  readdirSync(here, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => [basename(path), readFileSync(new URL(path, here), "utf8")]),
);

test.each(rows)("%s", (row) => {
  const proof = row.split("|").at(-2) ?? "";
  const named = [...proof.matchAll(/`([\w-]+\.test\.ts)`: ("[^"]+"(?:, "[^"]+")*)/g)];
  expect(named).not.toEqual([]);
  for (const [, file = "", titles = ""] of named) {
    for (const [, title] of titles.matchAll(/"([^"]+)"/g)) {
      expect(tests.get(file)).toContain(`test("${title}`);
    }
  }
});
