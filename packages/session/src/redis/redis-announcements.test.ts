import { EventEmitter } from "node:events";
import type { RedisConnection } from "@headroom/core/redis-client";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { RedisAnnouncements } from "./redis-announcements.ts";

/** Connections that a test ends by hand; with a server: test/integration/session-faults.test.ts. */
function connections() {
  const made: EventEmitter[] = [];
  const server = { isDown: false };
  const connection = (): RedisConnection =>
    ({
      duplicate() {
        const emitter = Object.assign(new EventEmitter(), {
          connect: async () => {
            if (server.isDown) throw new Error("refused");
          },
          callBuffer: async () => 1,
          disconnect: () => void emitter.emit("end"),
        });
        made.push(emitter);
        return emitter;
      },
    }) as unknown as RedisConnection;
  return { made, connection, server };
}

test("messages are told by their channel, and a lost connection as a gap, twice", async () => {
  const clock = createManualClock();
  const { made, connection, server } = connections();
  const announcements = new RedisAnnouncements({ gone: "g", changed: "c" }, connection, clock);
  const heard: string[] = [];
  const stop = announcements.listen({
    gone: (key) => heard.push(`gone ${key}`),
    changed: (key) => heard.push(`changed ${key}`),
    gap: () => heard.push("gap"),
  });
  await clock.advance(0);
  made[0]?.emit("messageBuffer", Buffer.from("g"), Buffer.from("a"));
  made[0]?.emit("messageBuffer", Buffer.from("c"), Buffer.from("b"));
  server.isDown = true;
  made[0]?.emit("end");
  await clock.advance(500);
  server.isDown = false;
  await clock.advance(500);
  expect(made).toHaveLength(3);
  expect(heard).toEqual(["gone a", "changed b", "gap", "gap", "gap"]);
  stop();
  await clock.advance(5_000);
  expect(made).toHaveLength(3);
});

test("one connection serves all listeners, and none is kept without them", async () => {
  const clock = createManualClock();
  const { made, connection } = connections();
  const announcements = new RedisAnnouncements({ gone: "g", changed: "c" }, connection, clock);
  const stops = [announcements.listen({}), announcements.listen({})];
  await clock.advance(0);
  expect(made).toHaveLength(1);
  let isClosed = false;
  made[0]?.on("end", () => (isClosed = true));
  stops[0]?.();
  expect(isClosed).toBe(false);
  stops[1]?.();
  expect(isClosed).toBe(true);
});
