import { expect, test } from "vitest";
import type { Host } from "../topology/host.ts";
import { weighted } from "./weighted.ts";

const host = (name: string, weight: number) =>
  ({ name, weightAt: () => weight }) as unknown as Host;

test("each gets its share, evenly spread", () => {
  const [big, small] = [host("big", 3), host("small", 1)];
  const policy = weighted();
  const picked = Array.from({ length: 8 }, () => policy.pick([big, small], 0).name);
  expect(picked).toEqual(["big", "big", "small", "big", "big", "big", "small", "big"]);
});
