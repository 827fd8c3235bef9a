import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { DriverEvent } from "../driver.ts";
import { JobEvents } from "./job-events.ts";

function events() {
  const clock = createManualClock();
  const watched: unknown[] = [];
  const told: DriverEvent[] = [];
  const hub = new JobEvents({
    origin: "me",
    pollMs: 1_000,
    watch: async (...given) => watched.push(given),
    clock,
    random: () => 0.5,
  });
  return { clock, watched, told, hub, tell: (event: DriverEvent) => void told.push(event) };
}

const NOW = Promise.resolve();

test("subscribers are told of their queue and of what they asked for", () => {
  const { hub, told, tell } = events();
  hub.subscribe("photos", ["ended", "progress"], tell, NOW);
  hub.tell("ended", "photos", ["a", "b"]);
  hub.tell("ready", "photos");
  hub.tell("ended", "mail", ["c"]);
  expect(told).toEqual([
    { kind: "ended", id: "a" },
    { kind: "ended", id: "b" },
  ]);
});

test("others are heard, its own notifications are not", () => {
  const { hub, told, tell } = events();
  hub.subscribe("photos", ["ready", "cancelled"], tell, NOW);
  for (const payload of [
    "ready photos you",
    "ready photos me",
    "cancelled photos you a",
    "what?",
  ]) {
    hub.hear(payload);
  }
  hub.missed();
  expect(told).toEqual([{ kind: "ready" }, { kind: "cancelled", id: "a" }, { kind: "ready" }]);
});

test("who waits for jobs is woken from time to time, until it is closed", async () => {
  const { clock, hub, told, tell } = events();
  const subscription = hub.subscribe("photos", ["ready"], tell, NOW);
  await clock.advance(3_000);
  expect(told).toHaveLength(3);
  await subscription.close();
  await subscription.close();
  await clock.advance(3_000);
  expect(told).toHaveLength(3);
  expect(clock.pending).toBe(0);
});

test("who waits for ends says so, as long as it does", async () => {
  const { clock, hub, watched, tell } = events();
  const subscription = hub.subscribe("photos", ["ended"], tell, NOW);
  await subscription.ready;
  expect(watched).toEqual([["photos", 60_000]]);
  await clock.advance(60_000);
  expect(watched).toHaveLength(4);
  await subscription.close();
  await clock.advance(60_000);
  expect(watched).toHaveLength(4);
});

test("ready fails as listening does", async () => {
  const { hub, tell } = events();
  const { ready } = hub.subscribe("photos", ["ready"], tell, Promise.reject(new Error("away")));
  await expect(ready).rejects.toThrow("away");
  hub.close();
});
