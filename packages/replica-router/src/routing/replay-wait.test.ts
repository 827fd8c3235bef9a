import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { Host } from "../topology/host.ts";
import { waitForReplay } from "./replay-wait.ts";

test("a replica is looked at until it has caught up", async () => {
  const clock = createManualClock();
  const host = { observation: { version: 150000 } } as Host;
  let looks = 0;
  const waiting = waitForReplay({
    replicas: () => [host],
    lsn: 5n,
    look: async () => void looks++,
    find: () => (looks >= 3 ? [host] : []),
    clock,
    waitMs: 1000,
  });
  await clock.advance(100);
  expect(await waiting).toEqual([host]);
  expect(looks).toBe(3);
});

test("nobody in time is nobody", async () => {
  const clock = createManualClock();
  const waiting = waitForReplay({
    replicas: () => [{ observation: { version: 150000 } } as Host],
    lsn: 5n,
    look: async () => {},
    find: () => [],
    clock,
    waitMs: 50,
  });
  await clock.advance(60);
  expect(await waiting).toEqual([]);
});

test("a server that can wait itself is asked to", async () => {
  const clock = createManualClock();
  const sent: string[] = [];
  let isReturned = false;
  const host = {
    observation: { version: 190000 },
    acquire: async () => ({ run: async (text: string) => void sent.push(text) }),
    release: () => {
      isReturned = true;
    },
  } as unknown as Host;
  const waiting = waitForReplay({
    replicas: () => [host],
    lsn: 0x16_b374d848n,
    look: async () => {},
    find: () => (sent.length > 0 ? [host] : []),
    clock,
    waitMs: 250,
  });
  await clock.advance(1);
  expect(await waiting).toEqual([host]);
  expect(sent).toEqual([
    "WAIT FOR LSN '16/B374D848' WITH (MODE 'standby_replay', TIMEOUT '250ms', NO_THROW)",
  ]);
  expect(isReturned).toBe(true);
});
