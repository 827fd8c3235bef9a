import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { Telling } from "./telling.ts";

function telling() {
  const clock = createManualClock();
  const run: [string, unknown[]][] = [];
  const told: unknown[] = [];
  const hub = new Telling({
    statements: {
      schema: '"app"',
      channel: "app",
      migrate: async () => {},
      run: async (_queue, text, values) => {
        run.push([text.trim().slice(0, 16), values]);
        return [];
      },
    },
    open: undefined,
    ...{ pollMs: 1_000, notifyEveryMs: 20, checkEveryMs: 1_000, timeoutMs: 1_000 },
    clock,
    random: () => 0.5,
  });
  return { clock, run, told, hub, listener: (event: unknown) => void told.push(event) };
}

test("everybody is told, or this process alone", async () => {
  const { hub, run, told, listener } = telling();
  await hub.subscribe("photos", ["ready", "cancelled"], listener).ready;
  hub.tellHere("ready", "photos");
  expect([told, run]).toEqual([[{ kind: "ready" }], []]);
  hub.tell("cancelled", "photos", ["a"]);
  expect(told).toHaveLength(2);
  await hub.close();
  expect(run).toMatchObject([
    ["SELECT pg_notify", ["app", expect.stringMatching(/^\{"cancelled photos \w+ a"\}$/)]],
  ]);
});

test("who waits for ends is written down", async () => {
  const { hub, run, listener } = telling();
  await hub.subscribe("photos", ["ended"], listener).ready;
  expect(run).toEqual([['INSERT INTO "app', ["photos", 60_000]]]);
});
