import { expect, test } from "vitest";
import type { DriverEvent } from "../driver.ts";
import { Subscribers } from "./subscribers.ts";

test("whoever asked is told, of what he asked for, when what happened is over", async () => {
  const subscribers = new Subscribers();
  const told: DriverEvent[] = [];
  subscribers.add(["ended", "ready"], (event) => told.push(event));
  subscribers.tell({ kind: "ended", id: "a" });
  subscribers.tell({ kind: "progress", id: "a" });
  expect(told).toEqual([]);
  await Promise.resolve();
  expect(told).toEqual([{ kind: "ended", id: "a" }]);
});

test("whoever has left is told nothing, not even what was on its way", async () => {
  const subscribers = new Subscribers();
  const told: DriverEvent[] = [];
  const leave = subscribers.add(["ready"], (event) => told.push(event));
  subscribers.tell({ kind: "ready" });
  leave();
  subscribers.tell({ kind: "ready" });
  await Promise.resolve();
  expect(told).toEqual([]);
});
