import { seededRandom } from "@headroom/core/random";
import type {
  RedisArgument,
  RedisClusterClient,
  RedisConnection,
} from "@headroom/core/redis-client";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { RedisWaker } from "./redis-waker.ts";

interface Wait {
  readonly keys: readonly string[];
  pop(key: string | null): void;
}

/** A server whose lists are popped by the test. */
function setup({ isCluster = false } = {}) {
  const clock = createManualClock();
  const waits: Wait[] = [];
  const scripts: string[] = [];
  const connections: FakeConnection[] = [];
  const state = { isStalled: false, isRefusing: false };

  class FakeConnection implements RedisConnection {
    readonly options: { host: string; port: number };
    readonly ended: (() => void)[] = [];
    isOpen = true;
    constructor(port: number) {
      this.options = { host: "a", port };
    }
    connect(): Promise<void> {
      if (state.isRefusing) return Promise.reject(new Error("refused"));
      return state.isStalled ? new Promise(() => {}) : Promise.resolve();
    }
    duplicate(): FakeConnection {
      const connection = new FakeConnection(this.options.port);
      connections.push(connection);
      return connection;
    }
    on(event: string, listener: (...given: never[]) => void): this {
      if (event === "end") this.ended.push(listener as () => void);
      return this;
    }
    disconnect(): void {
      if (!this.isOpen) return;
      this.isOpen = false;
      for (const listener of this.ended) listener();
    }
    callBuffer(command: string, args: RedisArgument[]): Promise<unknown> {
      if (command !== "blpop") {
        scripts.push(String(args[2]));
        return Promise.resolve(1);
      }
      const keys = args.slice(0, -1).map(String);
      return new Promise((resolve) => {
        const pop = (key: string | null): void =>
          resolve(key === null ? null : [Buffer.from(key), Buffer.from("1")]);
        waits.push({ keys, pop });
      });
    }
  }

  const server = new FakeConnection(1);
  const cluster: RedisClusterClient = {
    callBuffer: (command, args) => server.callBuffer(command, args),
    nodes: () => [new FakeConnection(1), new FakeConnection(2)],
    slots: Array.from({ length: 16_384 }, () => ["a:2"]),
    refreshSlotsCache: () => {},
  };
  const waker = new RedisWaker({
    client: isCluster ? cluster : server,
    origin: "me",
    prefix: "hrq",
    timeoutMs: 1_000,
    clock,
    random: seededRandom(1),
  });
  const told: string[] = [];
  const add = (marker: string) => waker.add(marker, () => told.push(marker));
  const pop = async (key: string | null, at = -1): Promise<void> => {
    waits.at(at)?.pop(key);
    await clock.advance(0);
  };
  return { clock, waits, scripts, connections, state, waker, told, add, pop };
}

test("one connection waits for all markers that came together, and tells what was popped", async () => {
  const { clock, waits, connections, told, add, pop } = setup();
  const [a] = [add("a:wake"), add("b:wake")];
  await clock.advance(0);
  await a?.ready;
  await pop("b:wake");
  await pop(null);
  expect(told).toEqual(["b:wake"]);
  expect(waits.map(({ keys }) => keys)).toEqual(Array(3).fill(["a:wake", "b:wake", "hrq:self:me"]));
  expect(connections).toHaveLength(1);
});

test("a marker that comes later ends the wait", async () => {
  const { clock, waits, scripts, add, pop } = setup();
  add("a:wake");
  await clock.advance(0);
  const later = add("b:wake");
  expect(scripts).toEqual(["hrq:self:me"]);
  await pop("hrq:self:me");
  await later.ready;
  expect(waits.at(-1)?.keys).toEqual(["a:wake", "b:wake", "hrq:self:me"]);
});

test("who is busy gives a marker back and waits no more, until there is room", async () => {
  const { clock, waits, scripts, told, waker, add, pop } = setup();
  add("a:wake");
  await clock.advance(0);
  waker.claimed("a:wake", false);
  await pop("a:wake");
  expect([told, scripts]).toEqual([[], ["a:wake"]]);
  expect(waits.at(-1)?.keys).toEqual(["hrq:self:me"]);
  waker.claimed("a:wake", true);
  waker.claimed("a:wake", true);
  expect(scripts).toEqual(["a:wake", "hrq:self:me"]);
  await pop("hrq:self:me");
  await pop("a:wake");
  expect(told).toEqual(["a:wake"]);
});

test("a marker that nobody here waits for any more is given back", async () => {
  const { clock, scripts, told, add, pop } = setup();
  const a = add("a:wake");
  add("b:wake");
  await clock.advance(0);
  a.close();
  await pop("a:wake");
  expect([told, scripts]).toEqual([[], ["a:wake"]]);
});

test("a key with a prefix of the client's is known", async () => {
  const { clock, told, add, pop } = setup();
  add("a:wake");
  await clock.advance(0);
  await pop("app:a:wake");
  expect(told).toEqual(["a:wake"]);
});

test("a connection that ends is replaced at once, and everybody is told", async () => {
  const { clock, connections, waits, told, add } = setup();
  add("a:wake");
  await clock.advance(0);
  connections[0]?.disconnect();
  await clock.advance(1);
  expect(connections).toHaveLength(2);
  expect(told).toEqual(["a:wake"]);
  expect(waits).toHaveLength(2);
});

test("a wait that is not answered has a deadline, and a fresh connection after it", async () => {
  const { clock, connections, told, add } = setup();
  add("a:wake");
  await clock.advance(0);
  await clock.advance(4_999);
  expect(connections).toHaveLength(1);
  await clock.advance(2);
  expect(connections).toHaveLength(2);
  expect(connections[0]?.isOpen).toBe(false);
  expect(told).toEqual(["a:wake"]);
});

test("while the server is away it is tried again, every half second at the longest", async () => {
  const { clock, connections, state, told, add } = setup();
  add("a:wake");
  await clock.advance(0);
  state.isRefusing = true;
  connections[0]?.disconnect();
  await clock.advance(30_000);
  expect(connections.length).toBeGreaterThan(60);
  expect(connections.length).toBeLessThan(500);
  state.isRefusing = false;
  await clock.advance(500);
  expect(told).toEqual(["a:wake"]);
});

test("a server that accepts and never answers fails who waits to be ready, in time", async () => {
  const { clock, connections, state, add } = setup();
  state.isStalled = true;
  const ready = add("a:wake").ready.catch((error: unknown) => error);
  await clock.advance(1_001);
  expect(await ready).toBeInstanceOf(Error);
  expect(connections.length).toBeGreaterThan(1);
});

test("nothing is open when nobody waits", async () => {
  const { clock, connections, waker, add } = setup();
  const a = add("a:wake");
  await clock.advance(0);
  a.close();
  await clock.advance(1);
  expect(connections.map(({ isOpen }) => isOpen)).toEqual([false]);
  add("a:wake");
  await clock.advance(1);
  waker.close();
  await clock.advance(60_000);
  expect(connections.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  expect(clock.pending).toBe(0);
});

test("in a Cluster each marker has a connection, to the master of its slot", async () => {
  const { clock, waits, connections, add } = setup({ isCluster: true });
  add("{a}:wake");
  add("{b}:wake");
  await clock.advance(0);
  expect(waits.map(({ keys }) => keys)).toEqual([
    ["{a}:wake", "{a}:wake:self:me"],
    ["{b}:wake", "{b}:wake:self:me"],
  ]);
  expect(connections.map(({ options }) => options.port)).toEqual([2, 2]);
});
