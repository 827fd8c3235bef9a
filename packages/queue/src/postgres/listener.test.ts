import { EventEmitter } from "node:events";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { Listener, type OpenConnection } from "./listener.ts";

/** Connections that do as they are told; what a listener makes of them. */
function listening(open: () => Promise<void> = async () => {}) {
  const clock = createManualClock();
  const told: string[] = [];
  const connections: (EventEmitter & { queries: string[]; closed: number; answers: boolean })[] =
    [];
  const listener = new Listener({
    open: async (): Promise<OpenConnection> => {
      const state = { queries: [] as string[], closed: 0, answers: true };
      const connection = Object.assign(new EventEmitter(), state);
      connections.push(connection);
      await open();
      const query = (text: string) => {
        connection.queries.push(text);
        return connection.answers ? Promise.resolve({ rows: [] }) : new Promise<never>(() => {});
      };
      const client = Object.assign(connection, { query });
      return { client, close: () => void connection.closed++ };
    },
    channel: "headroom_queue",
    notified: (payload) => told.push(payload),
    missed: () => told.push("missed"),
    checkEveryMs: 1_000,
    clock,
    random: () => 0.5,
  });
  onTestFinished(() => listener.close());
  const latest = () => {
    const connection = connections.at(-1);
    if (connection === undefined) throw new Error("it has not connected");
    return connection;
  };
  return { clock, told, connections, listener, latest };
}

test("it listens, and hears what is on its channel", async () => {
  const { clock, told, listener, latest } = listening();
  await clock.advance(0);
  await listener.ready;
  expect(latest().queries).toEqual(['LISTEN "headroom_queue"']);
  latest().emit("notification", { channel: "headroom_queue", payload: "ready photos me" });
  latest().emit("notification", { channel: "other", payload: "ready" });
  expect(told).toEqual(["missed", "ready photos me"]);
});

test.each([
  ["error", new Error("reset")],
  ["end", undefined],
])(
  "after %s it takes a new connection, and what was told meanwhile was missed",
  async (event, reason) => {
    const { clock, told, connections, latest } = listening();
    await clock.advance(0);
    latest().emit(event, reason);
    await clock.advance(10_000);
    expect(connections).toHaveLength(2);
    expect(connections[0]?.closed).toBe(1);
    expect(told).toEqual(["missed", "missed"]);
  },
);

test("a connection that does not answer is found in twice the time between two questions", async () => {
  const { clock, connections, latest } = listening();
  await clock.advance(0);
  await clock.advance(5_000);
  expect(latest().queries.filter((text) => text === "SELECT 1")).toHaveLength(5);
  latest().answers = false;
  await clock.advance(2_000);
  expect(connections[0]?.closed).toBe(1);
  await clock.advance(1_000);
  expect(connections).toHaveLength(2);
});

test("a connection that cannot be made is tried again, and less and less often", async () => {
  const { clock, connections } = listening(() => Promise.reject(new Error("refused")));
  await clock.advance(1_000);
  const early = connections.length;
  expect(early).toBeGreaterThan(2);
  await clock.advance(60_000);
  expect(connections.length - early).toBeLessThan(60);
});

test("one that comes after its time is closed", async () => {
  let opened: () => void = () => {};
  const { clock, connections } = listening(
    () =>
      new Promise<void>((resolve) => {
        opened = resolve;
      }),
  );
  await clock.advance(1_000);
  const [first] = connections;
  expect(first?.closed).toBe(0);
  opened();
  await clock.advance(0);
  expect(first?.closed).toBe(1);
});

test("closed, it asks nothing more", async () => {
  const { clock, listener, latest } = listening();
  await clock.advance(0);
  await listener.close();
  await listener.close();
  await clock.advance(60_000);
  expect(latest().queries).toHaveLength(1);
  expect(latest().closed).toBe(1);
  expect(clock.pending).toBe(0);
});
