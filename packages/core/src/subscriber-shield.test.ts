import { AsyncLocalStorage } from "node:async_hooks";
import { execFile } from "node:child_process";
import * as diagnostics from "node:diagnostics_channel";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createEventChannel, createOperationChannel } from "./channel.ts";
import { shieldSubscribers } from "./subscriber-shield.ts";

let channels = 0;
const freshName = (): string => `headroom.shielded.${++channels}`;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const fails = (): never => {
  throw new Error("in a subscriber");
};

let warnings: { text: string; code?: string; detail?: string }[] = [];
beforeEach(() => {
  warnings = [];
  vi.spyOn(process, "emitWarning").mockImplementation((warning, options) => {
    warnings.push({ text: String(warning), ...(options as object) });
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

// An uncaught exception or unhandled rejection would fail the run of any of these tests.
describe("a subscriber that throws", () => {
  test("disturbs neither the publisher nor the other subscribers", async () => {
    const channel = createEventChannel<{ atMs: number }>(freshName());
    const seen: number[] = [];
    channel.subscribe(fails);
    channel.subscribe(({ atMs }) => seen.push(atMs));
    channel.publish(() => ({ atMs: 1 }));
    channel.publish(() => ({ atMs: 2 }));
    await turn();
    expect(seen).toEqual([1, 2]);
  });

  test("disturbs no operation, at whatever stage it throws", async () => {
    const channel = createOperationChannel<{ pool: string }>(freshName());
    channel.subscribe({
      start: fails,
      end: fails,
      error: fails,
      asyncStart: fails,
      asyncEnd: fails,
    });
    const build = (): { pool: string } => ({ pool: "web" });
    expect(await channel.trace(build, async () => 42)).toBe(42);
    const reason = new Error("the operation's own");
    await expect(channel.trace(build, () => Promise.reject(reason))).rejects.toBe(reason);
    await turn();
    expect(warnings).toHaveLength(5);
  });

  test("is reported once, with channel, reason and stack, without credentials", async () => {
    const name = freshName();
    const channel = createEventChannel<{ atMs: number }>(name);
    channel.subscribe(() => {
      throw new TypeError("no answer from redis://:hunter2@cache-1");
    });
    for (let atMs = 0; atMs < 10; atMs++) channel.publish(() => ({ atMs }));
    await turn();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.code).toBe("HEADROOM_SUBSCRIBER_FAILED");
    expect(warnings[0]?.text).toBe(
      `a subscriber of ${name} threw TypeError: no answer from redis://***@cache-1`,
    );
    expect(warnings[0]?.detail).toContain("subscriber-shield.test.ts");
    expect(warnings[0]?.detail).not.toContain("hunter2");
  });

  test("is harmless and reported as well when it is an async function", async () => {
    const channel = createEventChannel<{ atMs: number }>(freshName());
    channel.subscribe(async () => fails());
    channel.publish(() => ({ atMs: 1 }));
    await turn();
    expect(warnings.map(({ code }) => code)).toEqual(["HEADROOM_SUBSCRIBER_FAILED"]);
  });

  test("is harmless as well when it subscribed by name, and can leave by name", async () => {
    const name = freshName();
    const channel = createEventChannel<{ atMs: number }>(name);
    for (const round of [1, 2]) {
      diagnostics.subscribe(name, fails);
      channel.publish(() => ({ atMs: round }));
      expect(diagnostics.unsubscribe(name, fails)).toBe(true);
      expect(diagnostics.unsubscribe(name, fails)).toBe(false);
      expect(channel.hasSubscribers).toBe(false);
    }
    await turn();
    expect(warnings).toHaveLength(1);
  });

  test("can leave as often as it subscribed, before this package was loaded and after", () => {
    const name = freshName();
    const seen: unknown[] = [];
    const handler = (message: unknown): void => {
      seen.push(message);
    };
    diagnostics.subscribe(name, handler);
    const channel = createEventChannel<{ atMs: number }>(name);
    diagnostics.subscribe(name, handler);
    expect(diagnostics.unsubscribe(name, handler)).toBe(true);
    expect(diagnostics.unsubscribe(name, handler)).toBe(true);
    expect(diagnostics.unsubscribe(name, handler)).toBe(false);
    channel.publish(() => ({ atMs: 1 }));
    expect(seen).toEqual([]);
  });

  test("may throw anything", async () => {
    const channel = createEventChannel<{ atMs: number }>(freshName());
    channel.subscribe(() => {
      throw Object.create(null);
    });
    channel.publish(() => ({ atMs: 1 }));
    await turn();
    expect(warnings[0]?.text).toContain("threw what is no Error");
  });
});

test("a store whose transform throws keeps what it held outside", async () => {
  const name = freshName();
  const channel = createOperationChannel<{ pool: string }>(name);
  const store = new AsyncLocalStorage<unknown>();
  diagnostics.tracingChannel(name).start.bindStore(store, fails);
  const during = await store.run("outside", () =>
    channel.trace(
      () => ({ pool: "web" }),
      async () => store.getStore(),
    ),
  );
  await turn();
  expect(during).toBe("outside");
  expect(warnings).toHaveLength(1);
});

test("a store without a transform holds the message", () => {
  const name = freshName();
  const channel = diagnostics.channel(name);
  shieldSubscribers(channel);
  const store = new AsyncLocalStorage<unknown>();
  channel.bindStore(store);
  const message = { pool: "web" };
  expect(channel.runStores(message, () => store.getStore())).toBe(message);
});

test("a second copy of this package puts no second shield on", () => {
  const name = freshName();
  const channel = diagnostics.channel(name);
  shieldSubscribers(channel);
  const { subscribe } = channel;
  shieldSubscribers(channel);
  expect(channel.subscribe).toBe(subscribe);
});

test("what is no function is refused as Node does", () => {
  const name = freshName();
  createEventChannel(name);
  expect(() => diagnostics.subscribe(name, 5 as never)).toThrow(TypeError);
});

test("a process with a broken subscriber lives on", async () => {
  const file = new URL("./channel.ts", import.meta.url).href;
  const script = `
    import { subscribe } from "node:diagnostics_channel";
    import { createEventChannel } from ${JSON.stringify(file)};
    const channel = createEventChannel("headroom.test");
    subscribe("headroom.test", () => { throw new Error("broken"); });
    channel.publish(() => ({ atMs: 1 }));
    setImmediate(() => console.log("alive"));`;
  const flags = ["--input-type=module", "--eval", script];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, flags);
  expect(stdout.trim()).toBe("alive");
  expect(stderr).toContain("[HEADROOM_SUBSCRIBER_FAILED]");
});
