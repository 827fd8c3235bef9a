import { describe, expect, test } from "vitest";
import { type Repository, readRepository } from "./repository.ts";
import * as rules from "./rules.ts";

describe("this repository keeps its rules", () => {
  const repository = readRepository();
  test.each(Object.entries(rules))("%s", (_, rule) => {
    expect(rule(repository)).toEqual([]);
  });
});

describe("each rule sees what it is for", () => {
  const broken: [rule: rules.Rule, files: Record<string, string>, found: RegExp][] = [
    [rules.filesAreNamedForTheirIdea, { "packages/lb/src/utils/clock.ts": "" }, /utils/],
    [rules.filesAreNamedForTheirIdea, { "packages/lb/src/types.ts": "" }, /types/],
    [
      rules.timeAndChanceAreInjected,
      { "packages/lb/src/a.ts": "\nconst now = Date.now();" },
      /a\.ts:2/,
    ],
    [
      rules.timeAndChanceAreInjected,
      { "packages/lb/src/a.ts": "const a = new Date();" },
      /a\.ts:1/,
    ],
    [rules.timeAndChanceAreInjected, { "packages/core/src/retry.ts": "setTimeout(f, 1)" }, /retry/],
    [
      rules.exportsHaveTheirSource,
      { "packages/lb/package.json": '{"exports":{".":{"@headroom/source":"./src/index.ts"}}}' },
      /no file \.\/src\/index\.ts/,
    ],
    [
      rules.exportsHaveTheirSource,
      {
        "packages/lb/package.json":
          '{"exports":{".":{"@headroom/source":"./src/index.ts","types":"./dist/index.d.ts","default":"./dist/main.js"}}}',
        "packages/lb/src/index.ts": "",
      },
      /default is \.\/dist\/main\.js/,
    ],
    [
      rules.dependenciesPointOneWay,
      { "packages/core/src/a.ts": 'import "x"; import { b } from "@headroom/lb";' },
      /lb/,
    ],
    [
      rules.dependenciesPointOneWay,
      { "packages/lb/src/a.ts": 'const b = await import("@headroom/queue");' },
      /queue/,
    ],
    [
      rules.dependenciesPointOneWay,
      { "packages/lb/src/a.ts": 'import { b } from "@headroom/cache/x";' },
      /cache/,
    ],
    [
      rules.dependenciesPointOneWay,
      { "packages/lb/src/a.ts": 'import { b } from "../../core/src/b.ts";' },
      /leaves/,
    ],
    [rules.readmesShowTheirExample, { "packages/lb/package.json": "{}" }, /no README/],
    [
      rules.readmesShowTheirExample,
      {
        "packages/lb/package.json": "{}",
        "packages/lb/README.md": "```ts\nold();\n```",
        "examples/lb.ts": "new();\n",
      },
      /is not examples\/lb\.ts/,
    ],
    [rules.mechanismsHaveTheirTest, { "packages/lb/src/a.ts": "export const a = 1;" }, /a\.ts/],
    [rules.filesHoldOneIdea, { "packages/lb/src/a.ts": "\n".repeat(401) }, /401 lines/],
  ];
  test.each(broken)("%o in %o", (rule, files, found) => {
    const repository: Repository = new Map(Object.entries(files));
    expect(rule(repository)).toEqual([expect.stringMatching(found)]);
  });

  test("and lets pass what is allowed", () => {
    const fine: Repository = new Map([
      [
        "packages/lb/src/a.ts",
        '// not Date.now()\nimport { systemClock } from "@headroom/core/clock";',
      ],
      ["packages/lb/src/policies/b.ts", 'import { a } from "../a.ts";'],
      ["packages/lb/src/a.test.ts", "Math.random();"],
      ["packages/lb/src/c.ts", "export interface C {}\nexport type { D } from './d.ts';"],
    ]);
    expect(rules.timeAndChanceAreInjected(fine)).toEqual([]);
    expect(rules.dependenciesPointOneWay(fine)).toEqual([]);
    expect(rules.mechanismsHaveTheirTest(fine)).toEqual([]);
  });
});
