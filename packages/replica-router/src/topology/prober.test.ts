import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { FakeServer, fakePg } from "../../test/fake-postgres.ts";
import type { Observation } from "./observation.ts";
import { Prober } from "./prober.ts";

function start(server = new FakeServer("p")) {
  const clock = createManualClock();
  const seen: Observation[] = [];
  const failed: unknown[] = [];
  const prober = new Prober({
    pg: fakePg([server]),
    config: { host: "p" },
    clock,
    name: "p",
    timeoutMs: 200,
    onObserved: (observation) => seen.push(observation),
    onFailed: (error) => failed.push(error),
  });
  return { server, clock, prober, seen, failed };
}

test("tells what the server is and where, over one connection", async () => {
  const { server, prober, seen } = start(new FakeServer("p", { lsn: 7n, timeline: 3 }));
  await prober.look();
  await prober.look();
  expect(seen).toHaveLength(2);
  expect(seen[0]).toMatchObject({ system: "1", timeline: 3, lsn: 7n, isStandby: false });
  expect(server.clients.size).toBe(1);
});

test("who asks while a look is under way shares the next one", async () => {
  const { server, prober } = start();
  const looks = [prober.look(), prober.look(), prober.look(), prober.look()];
  expect(prober.isLooking).toBe(true);
  await Promise.all(looks);
  expect([server.looks, prober.isLooking]).toEqual([2, false]);
});

test("a server that is gone fails the look, and is connected to again", async () => {
  const { server, prober, seen, failed } = start();
  server.kill();
  await prober.look();
  expect(failed).toMatchObject([{ code: "ECONNREFUSED" }]);
  server.start();
  await prober.look();
  expect(seen).toHaveLength(1);
  server.kill();
  server.start();
  await prober.look();
  await prober.look();
  expect([failed.length, seen.length]).toEqual([2, 2]);
});

test("one that does not answer fails it in time: five times as long while it connects", async () => {
  const { server, clock, prober, failed } = start();
  server.state = "hung";
  void prober.look();
  await clock.advance(1019);
  expect(failed).toEqual([]);
  await clock.advance(1);
  expect(failed).toMatchObject([{ name: "DeadlineExceededError" }]);
  server.start();
  await prober.look();
  server.state = "hung";
  void prober.look();
  await clock.advance(219);
  expect(failed).toHaveLength(1);
  await clock.advance(1);
  expect([failed.length, server.clients.size]).toEqual([2, 0]);
});

test("an answer that is there when this process had stood still counts", async () => {
  const { server, clock, prober, seen, failed } = start();
  await prober.look();
  server.state = "hung";
  void prober.look();
  await clock.advance(200);
  server.start();
  await clock.advance(20);
  expect([seen.length, failed.length]).toEqual([2, 0]);
});

test("a server without a position has not begun to replay", async () => {
  const { prober, failed } = start(
    new FakeServer("p", {
      isStandby: true,
      run: async () => [{ standby: true, lsn: null, segment: "16777216" }],
    }),
  );
  await prober.look();
  expect(failed).toMatchObject([{ name: "TypeError" }]);
});

test("closed: it tells nothing more", async () => {
  const { server, prober, seen, failed } = start();
  const looking = prober.look();
  prober.close();
  await looking;
  await prober.look();
  expect([seen, failed, server.clients.size]).toEqual([[], [], 0]);
});
