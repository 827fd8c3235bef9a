import { expect, test } from "vitest";
import { routeHint } from "./route-hint.ts";

test.each([
  ["/* route:primary */ SELECT 1", "primary"],
  ["/* route: replica */ SELECT 1", "replica"],
  ["--route:replica\nSELECT 1", "replica"],
  ["  \n/* app:web */ -- x\n/* route:replica */ SELECT 1", "replica"],
  ["/* route:replica */ /* route:primary */ SELECT 1", "primary"],
  ["/* route:primary */ /* route:replica */ SELECT 1", "primary"],
  ["/* route:primary", undefined],
  ["/* Route:primary */ SELECT 1", undefined],
  ["/* route:primary; drop */ SELECT 1", undefined],
  ["/* /* route:primary */ */ SELECT 1", undefined],
  ["/* route:other */ SELECT 1", undefined],
  ["SELECT 1 /* route:primary */", undefined],
  ["'/* route:primary */'", undefined],
  ["; /* route:primary */ SELECT 1", undefined],
  ["SELECT 1", undefined],
  ["", undefined],
])("%j says %s", (text, hint) => {
  expect(routeHint(text)).toBe(hint);
});
