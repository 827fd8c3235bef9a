import { expect, test } from "vitest";
import { seededRandom } from "./random.ts";
import type { RedisClusterClient, RedisConnection } from "./redis-client.ts";
import { RedisSubscription } from "./redis-subscription.ts";
import { createManualClock } from "./testing.ts";

type Listener = (...given: never[]) => void;

/** A server on which connections can be made and lost; a stalled one answers nothing. */
function setup({ isCluster = false } = {}) {
  const clock = createManualClock();
  const heard: string[] = [];
  const channels = ["hr:{shop}:bus"];
  const connections: FakeConnection[] = [];
  const state = { isStalled: false, isRefusing: false, publishes: true, published: 0 };
  const answer = <Reply>(reply: Reply): Promise<Reply> => {
    if (state.isRefusing) return Promise.reject(new Error("refused"));
    return state.isStalled ? new Promise(() => {}) : Promise.resolve(reply);
  };

  class FakeConnection implements RedisConnection {
    readonly listeners = new Map<string, Listener>();
    readonly channels = new Set<string>();
    isOpen = true;
    connect(): Promise<void> {
      return answer(undefined);
    }
    duplicate(): FakeConnection {
      const connection = new FakeConnection();
      connections.push(connection);
      return connection;
    }
    on(event: string, listener: Listener): this {
      this.listeners.set(event, listener);
      return this;
    }
    disconnect(): void {
      if (!this.isOpen) return;
      this.isOpen = false;
      this.listeners.get("end")?.();
    }
    callBuffer(command: string, args: (string | Buffer | number)[]): Promise<unknown> {
      if (command === "publish") {
        state.published += 1;
        if (!state.publishes) return new Promise(() => {});
        for (const connection of connections) connection.tell(String(args[0]), String(args[1]));
        return Promise.resolve(1);
      }
      for (const channel of args) this.channels.add(String(channel));
      return answer(args.length);
    }
    tell(channel: string, message: string): void {
      if (state.isStalled || !this.isOpen || !this.channels.has(channel)) return;
      const listener = this.listeners.get("messageBuffer") as
        | ((channel: Buffer, message: Buffer) => void)
        | undefined;
      listener?.(Buffer.from(channel), Buffer.from(message));
    }
  }

  const server = new FakeConnection();
  const nodes: RedisConnection[] = [];
  const cluster: RedisClusterClient = {
    callBuffer: (command, args) => server.callBuffer(command, args),
    nodes: () => nodes,
    slots: [],
    refreshSlotsCache: () => {},
  };
  const subscription = new RedisSubscription({
    client: isCluster ? cluster : server,
    channels: () => channels,
    pulse: "hr:{shop}:bus:me",
    heartbeatMs: 1_000,
    clock,
    random: seededRandom(1),
    message: (payload) => heard.push(payload.toString()),
    gap: () => heard.push("gap"),
    synced: () => heard.push("synced"),
  });
  subscription.start();
  const publish = (text: string) => server.callBuffer("publish", ["hr:{shop}:bus", text]);
  return { clock, heard, channels, connections, state, subscription, publish, nodes, server };
}

test("it is synced once it has subscribed, and hears what is published", async () => {
  const { clock, heard, publish } = setup();
  await clock.advance(0);
  await publish("a");
  expect(heard).toEqual(["synced", "a"]);
});

test("a connection that ends is a gap at once; a new one is synced when it has subscribed", async () => {
  const { clock, heard, connections, publish } = setup();
  await clock.advance(0);
  connections[0]?.disconnect();
  expect(heard).toEqual(["synced", "gap"]);
  await clock.advance(0);
  await publish("a");
  expect(heard).toEqual(["synced", "gap", "synced", "a"]);
  expect(connections).toHaveLength(2);
});

test("while the server refuses it tries again, waiting longer each time up to a second", async () => {
  const { clock, heard, connections, state } = setup();
  await clock.advance(0);
  state.isRefusing = true;
  connections[0]?.disconnect();
  await clock.advance(60_000);
  expect(connections.length).toBeGreaterThan(60);
  expect(connections.length).toBeLessThan(300);
  state.isRefusing = false;
  await clock.advance(1_000);
  expect(heard).toEqual(["synced", "gap", "synced"]);
});

test("a link that is well is never a gap", async () => {
  const { clock, heard, connections, state } = setup();
  await clock.advance(60_000);
  expect(heard).toEqual(["synced"]);
  expect(connections).toHaveLength(1);
  expect(state.published).toBe(60);
});

test("a link that stalls is a gap after two intervals at most, and synced when it is well", async () => {
  const { clock, heard, connections, state } = setup();
  await clock.advance(1_500);
  state.isStalled = true;
  await clock.advance(2_000);
  expect(heard).toEqual(["synced", "gap"]);
  expect(connections[0]?.isOpen).toBe(false);
  await clock.advance(30_000);
  expect(connections.filter(({ isOpen }) => isOpen)).toHaveLength(1);
  state.isStalled = false;
  await clock.advance(4_000);
  expect(heard).toEqual(["synced", "gap", "synced"]);
});

test("a client that sends nothing is a gap, and gets no queue of pulses", async () => {
  const { clock, heard, state } = setup();
  await clock.advance(0);
  state.publishes = false;
  await clock.advance(60_000);
  expect(heard.slice(0, 2)).toEqual(["synced", "gap"]);
  expect(state.published).toBe(1);
});

test("what cannot be understood is a gap that ends at once", async () => {
  const { clock, heard, subscription } = setup();
  subscription.resync();
  expect(heard).toEqual([]);
  await clock.advance(0);
  subscription.resync();
  expect(heard).toEqual(["synced", "gap", "synced"]);
});

test("in a Cluster it waits until a node is known, and goes to another when one is lost", async () => {
  const { clock, heard, nodes, server, connections } = setup({ isCluster: true });
  await clock.advance(5_000);
  expect(heard).toEqual([]);
  const used: number[] = [];
  for (const at of [0, 1]) {
    const duplicate = () => {
      used.push(at);
      return server.duplicate();
    };
    nodes.push({
      callBuffer: (command, args) => server.callBuffer(command, args),
      connect: () => server.connect(),
      disconnect: () => {},
      on: () => server,
      duplicate,
    });
  }
  await clock.advance(2_000);
  connections[0]?.disconnect();
  await clock.advance(0);
  connections[1]?.disconnect();
  await clock.advance(0);
  expect(heard).toEqual(["synced", "gap", "synced", "gap", "synced"]);
  expect(new Set(used)).toEqual(new Set([0, 1]));
});

test("after close nothing is told, nothing waits and no connection is open", async () => {
  const { clock, heard, connections, subscription, publish } = setup();
  await clock.advance(0);
  subscription.close();
  await publish("a");
  await clock.advance(60_000);
  expect(heard).toEqual(["synced"]);
  expect(connections.map(({ isOpen }) => isOpen)).toEqual([false]);
  expect(clock.pending).toBe(0);
});

test("a channel that comes later is heard after a refresh", async () => {
  const { clock, heard, channels, subscription, server } = setup();
  await clock.advance(0);
  channels.push("more");
  await server.callBuffer("publish", ["more", "too early"]);
  await subscription.refresh();
  await server.callBuffer("publish", ["more", "b"]);
  expect(heard).toEqual(["synced", "b"]);
  expect(subscription.isSynced).toBe(true);
});
