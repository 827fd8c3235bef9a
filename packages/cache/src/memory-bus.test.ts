import { createManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { memoryBus } from "./memory-bus.ts";
import { type MemoryLink, memoryStore } from "./memory-store.ts";

function setup(link: MemoryLink = {}) {
  const provider = memoryStore({ link });
  const clock = createManualClock();
  const context = (origin: string) => ({ cache: "shop", origin, clock });
  const store = provider(context("sender"));
  const bus = memoryBus(provider)(context("receiver"));
  const heard: string[] = [];
  bus.start({
    message: (_, message) => heard.push(message.kind === "keys" ? message.keys.join() : "tags"),
    gap: () => heard.push("gap"),
    synced: () => heard.push("synced"),
  });
  const send = (key: string) => store.invalidate([key], { holdForMs: 0 });
  return { store, bus, heard, send, settle: () => clock.advance(0) };
}

test("it is synced when it has connected, and tells what others change from then on", async () => {
  const { heard, send, settle } = setup();
  await settle();
  await send("a");
  await send("b");
  await settle();
  expect(heard).toEqual(["synced", "a", "b"]);
});

test("a message that is lost breaks the connection: a gap, and what is behind it is lost too", async () => {
  const held: { resolve(): void; reject(): void }[] = [];
  const { heard, send, settle } = setup({
    message: () =>
      new Promise((resolve, reject) => {
        held.push({ resolve, reject: () => reject(new Error("lost")) });
      }),
  });
  await settle();
  for (const key of ["a", "b", "c"]) await send(key);
  await settle();
  held.shift()?.resolve();
  await settle();
  held.shift()?.reject();
  await settle();
  await send("d");
  await settle();
  held.shift()?.resolve();
  await settle();
  expect(heard).toEqual(["synced", "a", "gap", "synced", "d"]);
});

test("nothing is told after it was closed", async () => {
  const { bus, heard, send, settle } = setup();
  await settle();
  await send("a");
  await bus.close();
  await send("b");
  await settle();
  expect(heard).toEqual(["synced"]);
});

test("whatever the link does, each change is told in order, or a gap and then synced", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean()), async (scheduler, passes) => {
      const left = [...passes];
      const { heard, send } = setup({
        request: () => scheduler.schedule(Promise.resolve(), "request"),
        connect: () => scheduler.schedule(Promise.resolve(), "connect"),
        message: async () => {
          await scheduler.schedule(Promise.resolve(), "message");
          if (left.shift() === false) throw new Error("lost");
        },
      });
      for (let at = 0; at < 8; at++) void send(String(at));
      await scheduler.waitIdle();
      expect(heard.at(-1)).not.toBe("gap");
      let isSynced = false;
      const told = new Set<string>();
      for (const each of heard) {
        if (each === "synced" || each === "gap") {
          expect(isSynced).toBe(each === "gap");
          isSynced = !isSynced;
        } else {
          expect(isSynced).toBe(true);
          expect(told.has(each)).toBe(false);
          told.add(each);
        }
      }
      if (!passes.includes(false)) expect(heard).not.toContain("gap");
    }),
  );
});
