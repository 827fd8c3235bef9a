import { EventEmitter } from "node:events";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { ChangeListener } from "./change-listener.ts";
import type { PostgresConnection } from "./postgres-client.ts";

/** Connections that do as they are told; what a listener makes of them. */
function listening(connects: () => Promise<void> = async () => {}) {
  const clock = createManualClock();
  const told: unknown[] = [];
  const connections: (EventEmitter & { queries: string[]; ended: number; answers: boolean })[] = [];
  const listener = new ChangeListener({
    connect: () => {
      const emitter = Object.assign(new EventEmitter(), {
        queries: [] as string[],
        ended: 0,
        answers: true,
      });
      connections.push(emitter);
      return Object.assign(emitter, {
        connect: connects,
        query: (text: string) => {
          emitter.queries.push(text);
          return emitter.answers ? Promise.resolve({ rows: [] }) : new Promise<never>(() => {});
        },
        end: async () => void emitter.ended++,
      }) satisfies PostgresConnection as PostgresConnection;
    },
    channel: "changes",
    notified: (payload) => told.push(payload),
    missed: () => told.push("missed"),
    failed: (reason) => told.push(reason),
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

test("once it listens, everything before counts as missed, and then it hears", async () => {
  const { clock, told, latest } = listening();
  await clock.advance(0);
  expect(latest().queries).toEqual(['LISTEN "changes"']);
  latest().emit("notification", { channel: "changes", payload: "a" });
  latest().emit("notification", { channel: "other", payload: "b" });
  expect(told).toEqual(["missed", "a"]);
});

test("a connection that breaks is replaced, and what happened meanwhile was missed", async () => {
  const { clock, told, connections, latest } = listening();
  await clock.advance(0);
  latest().emit("error", new Error("reset"));
  await clock.advance(20_000);
  expect(connections).toHaveLength(2);
  expect(told).toEqual(["missed", new Error("reset"), "missed"]);
  expect(connections[0]?.ended).toBe(1);
});

test("a connection that is dead without a sign is found by asking", async () => {
  const { clock, told, connections, latest } = listening();
  await clock.advance(0);
  latest().answers = false;
  await clock.advance(1_000 + 2_000 + 10_000);
  expect(connections.length).toBeGreaterThan(1);
  expect(told[1]).toMatchObject({ code: "DEADLINE_EXCEEDED" });
});

test("a server that is down is tried again, less and less often", async () => {
  const { clock, connections, told } = listening(async () => Promise.reject(new Error("refused")));
  await clock.advance(60_000);
  expect(connections.length).toBeGreaterThan(5);
  expect(connections.length).toBeLessThan(25);
  expect(told).not.toContain("missed");
});

test("closed, it ends its connection and leaves no timer", async () => {
  const { clock, listener, latest } = listening();
  await clock.advance(0);
  await listener.close();
  expect(latest().ended).toBe(1);
  expect(clock.pending).toBe(0);
});
