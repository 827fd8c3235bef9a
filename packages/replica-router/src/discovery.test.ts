import { expect, test } from "vitest";
import { requireDiscovery } from "./discovery.ts";

test("a discovery has a name, an interval and a list", () => {
  const discovery = { name: "mine", everyMs: 1000, list: async () => [] };
  expect(requireDiscovery(discovery)).toBe(discovery);
  expect(() => requireDiscovery({ ...discovery, everyMs: 0 })).toThrow(/discovery.everyMs must be/);
  expect(() => requireDiscovery({ ...discovery, name: "" })).toThrow(/discovery.name must be/);
  expect(() => requireDiscovery({} as never)).toThrow(/an object with list/);
});
