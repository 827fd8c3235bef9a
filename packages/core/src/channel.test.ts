import { AsyncLocalStorage } from "node:async_hooks";
import * as diagnostics from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import { createEventChannel, createOperationChannel, type Traced } from "./channel.ts";

let channels = 0;
const freshName = (): string => `headroom.test.${++channels}`;

interface Context {
  readonly pool: string;
  backend?: string;
}

const STAGES = ["start", "end", "error", "asyncStart", "asyncEnd"] as const;

/** Writes down each stage that comes by. */
function recorder(name: string, log: string[] = []): { log: string[]; contexts: unknown[] } {
  const contexts: unknown[] = [];
  const handlers = STAGES.map((stage) => [
    stage,
    (context: unknown) => {
      log.push(stage);
      contexts.push(context);
    },
  ]);
  createOperationChannel<Context>(name).subscribe(Object.fromEntries(handlers));
  return { log, contexts };
}

describe("an event channel", () => {
  test("builds nothing while nobody listens", () => {
    const channel = createEventChannel<{ atMs: number }>(freshName());
    let built = 0;
    const build = (): { atMs: number } => ({ atMs: ++built });
    channel.publish(build);
    const unsubscribe = channel.subscribe(() => {});
    channel.publish(build);
    unsubscribe();
    channel.publish(build);
    expect([built, channel.hasSubscribers]).toEqual([1, false]);
  });

  test("gives one event to every subscriber, in order, until each leaves", () => {
    const channel = createEventChannel<{ atMs: number }>(freshName());
    const seen: string[] = [];
    const leaveFirst = channel.subscribe(({ atMs }) => seen.push(`first ${atMs}`));
    channel.subscribe(({ atMs }) => seen.push(`second ${atMs}`));
    channel.publish(() => ({ atMs: 1 }));
    leaveFirst();
    leaveFirst();
    channel.publish(() => ({ atMs: 2 }));
    expect(seen).toEqual(["first 1", "second 1", "second 2"]);
  });

  test("keeps a handler that subscribed twice until it has left twice", () => {
    const channel = createEventChannel<{ atMs: number }>(freshName());
    let calls = 0;
    const handler = (): void => {
      calls++;
    };
    const leave = channel.subscribe(handler);
    channel.subscribe(handler);
    leave();
    leave();
    channel.publish(() => ({ atMs: 1 }));
    expect(calls).toBe(1);
  });

  test("is the one that node:diagnostics_channel knows by this name", () => {
    const name = freshName();
    const seen: unknown[] = [];
    const handler = (message: unknown): void => {
      seen.push(message);
    };
    diagnostics.subscribe(name, handler);
    const channel = createEventChannel<{ atMs: number }>(name);
    expect(channel.hasSubscribers).toBe(true);
    channel.publish(() => ({ atMs: 1 }));
    expect(diagnostics.unsubscribe(name, handler)).toBe(true);
    channel.publish(() => ({ atMs: 2 }));
    expect(seen).toEqual([{ atMs: 1 }]);
  });
});

describe("an operation that nobody listens to", () => {
  test("gets no context and its own promise is handed back", async () => {
    const channel = createOperationChannel<Context>(freshName());
    const promise = Promise.resolve("result");
    const traced = channel.trace(
      () => {
        throw new Error("must not be built");
      },
      (context) => {
        expect(context).toBeUndefined();
        return promise;
      },
    );
    expect(traced).toBe(promise);
  });
});

describe("an operation that is listened to", () => {
  test("passes start, end, asyncStart and asyncEnd before its caller goes on", async () => {
    const name = freshName();
    const { log } = recorder(name);
    const result = await createOperationChannel<Context>(name).trace(
      () => ({ pool: "web" }),
      async () => {
        log.push("begins");
        await Promise.resolve();
        log.push("goes on");
        return 42;
      },
    );
    log.push("caller");
    expect(result).toBe(42);
    expect(log).toEqual(["start", "begins", "end", "goes on", "asyncStart", "asyncEnd", "caller"]);
  });

  test("passes error before asyncStart when it fails, and fails with the same reason", async () => {
    const name = freshName();
    const { log, contexts } = recorder(name);
    const reason = new Error("no backend");
    const failing = createOperationChannel<Context>(name).trace(
      () => ({ pool: "web" }),
      () => Promise.reject(reason),
    );
    await expect(failing).rejects.toBe(reason);
    expect(log).toEqual(["start", "end", "error", "asyncStart", "asyncEnd"]);
    expect(contexts.at(-1)).toEqual({ pool: "web", error: reason });
  });

  test("passes every stage when it throws before there is a promise, and rejects", async () => {
    const name = freshName();
    const channel = createOperationChannel<Context>(name);
    const throws = (): Promise<never> => {
      throw new TypeError("at once");
    };
    const trace = (): Promise<never> => channel.trace(() => ({ pool: "web" }), throws);
    await expect(trace()).rejects.toThrow("at once"); // also while nobody listens
    const { log } = recorder(name);
    await expect(trace()).rejects.toThrow("at once");
    expect(log).toEqual(["start", "end", "error", "asyncStart", "asyncEnd"]);
  });

  test("passes every stage when it returns a value instead of a promise", async () => {
    const name = freshName();
    const { log } = recorder(name);
    const returns = (): Promise<number> => 42 as never;
    const channel = createOperationChannel<Context>(name);
    expect(await channel.trace(() => ({ pool: "web" }), returns)).toBe(42);
    expect(log).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
  });

  test("shows what it learned on its way, on one object, but not its result", async () => {
    const name = freshName();
    const { contexts } = recorder(name);
    await createOperationChannel<Context>(name).trace(
      () => ({ pool: "web" }),
      async (context) => {
        if (context) context.backend = "web-1";
        return "a value of the application";
      },
    );
    expect(new Set(contexts).size).toBe(1);
    expect(contexts[0]).toEqual({ pool: "web", backend: "web-1" });
  });

  test("keeps the contexts of operations at the same time apart", async () => {
    const channel = createOperationChannel<Context>(freshName());
    const seen: string[] = [];
    channel.subscribe({ asyncEnd: ({ pool, backend }) => seen.push(`${pool} ${backend}`) });
    const run = (pool: string, turns: number): Promise<void> =>
      channel.trace(
        () => ({ pool }),
        async (context) => {
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          if (context) context.backend = `${pool}-1`;
        },
      );
    await Promise.all([run("slow", 20), run("quick", 1)]);
    expect(seen).toEqual(["quick quick-1", "slow slow-1"]);
  });

  test("no longer is, once all have left", async () => {
    const channel = createOperationChannel<Context>(freshName());
    const unsubscribe = channel.subscribe({ start() {}, asyncEnd() {} });
    expect(channel.hasSubscribers).toBe(true);
    unsubscribe();
    expect(channel.hasSubscribers).toBe(false);
  });

  test("is the one that node:diagnostics_channel knows by this name, stores included", async () => {
    const name = freshName();
    const channel = createOperationChannel<Context>(name);
    const tracing = diagnostics.tracingChannel<string, Traced<Context>>(name);
    const span = new AsyncLocalStorage<string>();
    tracing.start.bindStore(span, ({ pool }) => `span of ${pool}`);
    const during = await channel.trace(
      () => ({ pool: "web" }),
      async () => {
        await Promise.resolve();
        return span.getStore();
      },
    );
    expect([during, span.getStore()]).toEqual(["span of web", undefined]);
    expect(tracing.start.unbindStore(span)).toBe(true);
    expect(channel.hasSubscribers).toBe(false);
  });
});
