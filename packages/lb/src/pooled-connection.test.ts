import { EventEmitter } from "node:events";
import { createManualClock } from "@headroom/core/testing";
import { describe, expect, test } from "vitest";
import { connectionPoolRules } from "./connection-pool-options.ts";
import { PooledConnection } from "./pooled-connection.ts";

const { signal } = new AbortController();

function start(options: {
  validate?: (signal: AbortSignal) => PromiseLike<boolean> | boolean;
  destroy?: () => unknown;
}) {
  const clock = createManualClock();
  const emitter = new EventEmitter();
  const counts = { destroyed: 0, ended: 0 };
  const rules = connectionPoolRules<string, EventEmitter>({
    create: async () => emitter,
    destroy: () => {
      counts.destroyed++;
      return options.destroy?.();
    },
    validate: (_connection, ended) => options.validate?.(ended) ?? true,
    connectTimeoutMs: 100,
  });
  const onEnd = (): void => void counts.ended++;
  const pooled = new PooledConnection(emitter, { id: "10.0.0.1:25", rules, clock, onEnd });
  return { pooled, emitter, clock, counts };
}

describe("a pooled connection", () => {
  test("is taken as it is when it is new, and validated when it was used", async () => {
    const { pooled } = start({ validate: () => false });
    expect(await pooled.take(signal)).toBe(true);
    pooled.giveBack();
    expect(await pooled.take(signal)).toBe(false);
  });

  test("is validated too when it was kept ready for a while", async () => {
    const { pooled, clock } = start({ validate: () => false });
    await clock.advance(1_000);
    expect(await pooled.take(signal)).toBe(false);
  });

  test("is not valid when that takes too long, and whoever validates hears of it", async () => {
    let ended: AbortSignal | undefined;
    const { pooled, clock } = start({
      validate: (given) => {
        ended = given;
        return new Promise(() => {});
      },
    });
    await pooled.take(signal);
    pooled.giveBack();
    const taken = pooled.take(signal);
    await clock.advance(100);
    expect(await taken).toBe(false);
    expect(ended?.aborted).toBe(true);
  });

  test("is closed once, however often that is asked", async () => {
    const { pooled, emitter, counts } = start({});
    const ends = [pooled.end(), pooled.end()];
    emitter.emit("close");
    await Promise.all(ends);
    expect(counts).toEqual({ destroyed: 1, ended: 1 });
  });

  test("that cannot be closed is given up after 5 s", async () => {
    const { pooled, clock, counts } = start({ destroy: () => new Promise(() => {}) });
    const ended = pooled.end();
    await clock.advance(4_999);
    expect(counts.ended).toBe(0);
    await clock.advance(1);
    await ended;
    expect(counts.ended).toBe(1);
  });

  test.each(["error", "end", "close"])("is closed at once by %s while it is idle", (event) => {
    const { pooled, emitter, counts } = start({});
    emitter.emit(event, new Error("reset by peer"));
    expect(pooled.isLost).toBe(true);
    expect(counts.destroyed).toBe(1);
  });

  test("that is lost while in use is left to whoever uses it", async () => {
    const { pooled, emitter, counts } = start({});
    await pooled.take(signal);
    emitter.emit("error", new Error("reset by peer"));
    expect(pooled.isLost).toBe(true);
    expect(counts.destroyed).toBe(0);
  });

  test("need not be an emitter, nor an object", async () => {
    const rules = connectionPoolRules<string, unknown>({
      create: async () => null,
      destroy: () => {},
    });
    const context = { id: "a", rules, clock: createManualClock(), onEnd: () => {} };
    for (const connection of [null, "token", 5, {}, { on: true }]) {
      const pooled = new PooledConnection<unknown>(connection, context);
      expect(await pooled.take(signal)).toBe(true);
    }
  });
});
