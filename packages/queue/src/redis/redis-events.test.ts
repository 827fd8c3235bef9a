import { seededRandom } from "@headroom/core/random";
import type { RedisArgument, RedisConnection } from "@headroom/core/redis-client";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { RedisEvents } from "./redis-events.ts";

type Heard = (channel: Buffer, message: Buffer) => void;

function setup() {
  const clock = createManualClock();
  const state = { isRefusing: false };
  const connections: FakeConnection[] = [];

  class FakeConnection implements RedisConnection {
    readonly channels = new Set<string>();
    #heard: Heard | undefined;
    #ended: (() => void) | undefined;
    isOpen = true;
    connect(): Promise<void> {
      return state.isRefusing ? Promise.reject(new Error("refused")) : Promise.resolve();
    }
    duplicate(): FakeConnection {
      const connection = new FakeConnection();
      connections.push(connection);
      return connection;
    }
    on(event: string, listener: (...given: never[]) => void): this {
      if (event === "messageBuffer") this.#heard = listener as unknown as Heard;
      if (event === "end") this.#ended = listener as () => void;
      return this;
    }
    disconnect(): void {
      if (!this.isOpen) return;
      this.isOpen = false;
      this.#ended?.();
    }
    callBuffer(command: string, args: RedisArgument[]): Promise<unknown> {
      if (command === "publish") {
        for (const each of connections) each.tell(String(args[0]), String(args[1]));
      } else for (const channel of args) this.channels.add(String(channel));
      return Promise.resolve(1);
    }
    tell(channel: string, message: string): void {
      if (!this.isOpen || !this.channels.has(channel)) return;
      this.#heard?.(Buffer.from(channel), Buffer.from(message));
    }
  }

  const client = new FakeConnection();
  const events = new RedisEvents({
    client,
    origin: "me",
    prefix: "hrq",
    timeoutMs: 1_000,
    clock,
    random: seededRandom(1),
  });
  const publish = (channel: string, message: string) =>
    client.callBuffer("publish", [channel, message]);
  const told: string[] = [];
  const add = (channel: string) =>
    events.add(channel, ({ kind, id }) => told.push(`${channel} ${kind} ${id}`));
  return { clock, state, connections, events, publish, told, add };
}

test("a message is an event for each of its ids", async () => {
  const { clock, publish, told, add } = setup();
  const { ready } = add("a");
  await clock.advance(0);
  await ready;
  await publish("a", "ended 1 2");
  await publish("a", "unheard-of 3");
  await publish("b", "ended 4");
  expect(told).toEqual(["a ended 1", "a ended 2"]);
});

test("all channels are heard on one connection, also one that comes later", async () => {
  const { clock, connections, publish, told, add } = setup();
  add("a");
  const soon = add("b");
  await clock.advance(0);
  await soon.ready;
  await add("c").ready;
  for (const channel of ["a", "b", "c"]) await publish(channel, "cancelled 1");
  expect(told).toEqual(["a cancelled 1", "b cancelled 1", "c cancelled 1"]);
  expect(connections).toHaveLength(1);
});

test("it hears again after its connection is lost", async () => {
  const { clock, connections, publish, told, add } = setup();
  await Promise.all([add("a").ready, clock.advance(0)]);
  connections[0]?.disconnect();
  await clock.advance(1_000);
  await publish("a", "progress 1");
  expect(told).toEqual(["a progress 1"]);
});

test("who waits to be ready is told in time that it takes too long", async () => {
  const { clock, state, add } = setup();
  state.isRefusing = true;
  const ready = add("a").ready.catch((error: unknown) => error);
  await clock.advance(1_000);
  expect(await ready).toBeInstanceOf(Error);
});

test("the connection is closed with the last listener, and made again for the next", async () => {
  const { clock, connections, events, add } = setup();
  const one = add("a");
  const other = add("a");
  await clock.advance(0);
  one.close();
  expect(connections[0]?.isOpen).toBe(true);
  other.close();
  other.close();
  expect(connections[0]?.isOpen).toBe(false);
  await Promise.all([add("b").ready, clock.advance(0)]);
  events.close();
  expect(connections.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  expect(clock.pending).toBe(0);
});
