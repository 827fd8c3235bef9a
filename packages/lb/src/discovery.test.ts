import { createManualClock } from "@headroom/core/testing";
import { describe, expect, test } from "vitest";
import {
  type Discovery,
  type DiscoveryUpdate,
  type FollowOptions,
  followDiscovery,
} from "./discovery.ts";
import type { TargetOptions } from "./target.ts";

const listOf = (...ids: string[]): TargetOptions<string>[] =>
  ids.map((id) => ({ id, target: `http://${id}` }));
const never = new Promise<never>(() => {});

/** Follows a discovery and notes what it is told, lists by their ids. */
function follow(discovery: Discovery<string>, options: Partial<FollowOptions> = {}) {
  const clock = createManualClock();
  const ended = new AbortController();
  const told: (string | { failed: unknown })[] = [];
  const listener = {
    targets: (list: readonly TargetOptions<string>[]) =>
      void told.push(list.map(({ id }) => id).join(" ")),
    failed: (failed: unknown) => void told.push({ failed }),
  };
  const done = followDiscovery(discovery, listener, {
    signal: ended.signal,
    clock,
    random: () => 0,
    ...options,
  });
  return { clock, told, done, end: (reason?: unknown) => ended.abort(reason) };
}

/** Yields what it is given, one by one. */
async function* say(...updates: unknown[]) {
  for (const update of updates) yield update as DiscoveryUpdate<string>;
}

describe("a discovery that is followed", () => {
  test("tells of every list, and nothing more once it has ended", async () => {
    const { told, done, clock } = follow(() => say(listOf("a", "b"), listOf("b")));
    await done;
    expect(told).toEqual(["a b", "b"]);
    expect(clock.pending).toBe(0);
  });

  test("may say that there are no targets", async () => {
    const { told, done } = follow(() => say(listOf("a"), []));
    await done;
    expect(told).toEqual(["a", ""]);
  });

  test("tells of a failure that it yields and goes on", async () => {
    const down = new Error("down");
    const { told, done } = follow(() => say(listOf("a"), { failed: down }, listOf("b")));
    await done;
    expect(told).toEqual(["a", { failed: down }, "b"]);
  });

  test.each([
    ["an id twice", listOf("b", "b")],
    ["a weight of 0", [{ id: "b", target: "x", weight: 0 }]],
    ["no list", "b"],
    ["nothing", null],
  ])("with %s in it is reported, and none of that list is used", async (_what, wrong) => {
    const { told, done } = follow(() => say(listOf("a"), wrong, listOf("c")));
    await done;
    expect(told).toEqual(["a", { failed: expect.any(Error) }, "c"]);
  });

  test("that ends without a list is a failure: nobody would ever know its targets", async () => {
    const { told, done } = follow(() => say());
    await done;
    expect(told).toEqual([{ failed: new Error("the discovery ended without a list") }]);
  });

  test("goes on when its listener can do nothing with a list", async () => {
    const told: unknown[] = [];
    const listener = {
      targets: (list: readonly TargetOptions<string>[]) => {
        if (list.length === 2) throw new Error("not two");
        told.push(list.length);
      },
      failed: (error: unknown) => void told.push(error),
    };
    const discovery = () => say(listOf("a"), listOf("a", "b"), listOf("c"));
    await followDiscovery(discovery, listener, { signal: new AbortController().signal });
    expect(told).toEqual([1, new Error("not two"), 1]);
  });
});

describe("a discovery that throws", () => {
  test("is started again after waits that grow up to a minute", async () => {
    const startedMs: number[] = [];
    const clock = createManualClock();
    const { told } = follow(
      () => {
        startedMs.push(clock.monotonicNow());
        throw new Error("no permission");
      },
      { clock, random: () => 0.999_999 },
    );
    await clock.advance(200_000);
    const waits = startedMs.slice(1).map((ms, i) => Math.round((ms - (startedMs[i] ?? 0)) / 1_000));
    expect(waits).toEqual([3, 9, 27, 60, 60]);
    expect(told).toHaveLength(6);
  });

  test("never waits less than a second, and starts small again after a good list", async () => {
    const lives = [
      say(),
      (async function* () {
        yield listOf("a");
        throw new Error("lost");
      })(),
      say(listOf("b")),
    ];
    let life = 0;
    const { clock, told, done } = follow(() => {
      if (life === 0) {
        life++;
        throw new Error("refused");
      }
      return lives[life++] ?? say();
    });
    await clock.advance(999);
    expect(told).toEqual([{ failed: new Error("refused") }]);
    await clock.advance(1);
    expect(told.slice(1)).toEqual(["a", { failed: new Error("lost") }]);
    await clock.advance(1_000);
    await done;
    expect(told.slice(3)).toEqual(["b"]);
  });

  test("waits as at first when it throws after a good list", async () => {
    const clock = createManualClock();
    const startedMs: number[] = [];
    const discovery = async function* () {
      startedMs.push(clock.monotonicNow());
      if (startedMs.length === 4) yield listOf("a");
      throw new Error("lost");
    };
    follow(discovery, { clock, random: () => 0.999_999 });
    await clock.advance(60_000);
    const waits = startedMs.slice(1).map((ms, i) => Math.round((ms - (startedMs[i] ?? 0)) / 1_000));
    expect(waits).toEqual([3, 9, 27, 3, 9]);
  });

  test("may be no iterable at all", async () => {
    const { clock, told } = follow((() => 42) as never);
    await clock.advance(0);
    expect(told).toEqual([{ failed: expect.any(TypeError) }]);
  });

  test("ends its backoff when the balancer closes", async () => {
    const { clock, done, end } = follow(() => {
      throw new Error("refused");
    });
    await clock.advance(10);
    end();
    await done;
    expect(clock.pending).toBe(0);
  });

  test("is not asked again and again by a backoff that answers nonsense", async () => {
    const refuse = () => {
      throw new Error("refused");
    };
    const { done } = follow(refuse, { backoff: () => Number.NaN });
    await expect(done).rejects.toThrow(/delayMs must be a number/);
  });
});

describe("when the balancer closes", () => {
  test("nobody is told of anything more, and a generator runs its finally", async () => {
    let cleaned = false;
    const { told, done, end } = follow(async function* (signal) {
      try {
        yield listOf("a");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        yield listOf("b");
      } finally {
        cleaned = true;
      }
    });
    await new Promise(setImmediate);
    end("closed");
    await done;
    expect(told).toEqual(["a"]);
    await expect.poll(() => cleaned).toBe(true);
  });

  test("a discovery that ignores its signal is left behind", async () => {
    const { told, done, end } = follow(async function* () {
      yield listOf("a");
      await never;
      yield listOf("b");
    });
    await new Promise(setImmediate);
    end();
    await done;
    expect(told).toEqual(["a"]);
  });

  test("just when a list arrives, that list is not told", async () => {
    for (let microtasks = 0; microtasks < 12; microtasks++) {
      const ended = new AbortController();
      let isOver = false;
      const wrong: unknown[] = [];
      const listener = {
        targets: (list: unknown) => void (isOver && wrong.push(list)),
        failed: (error: unknown) => void (isOver && wrong.push(error)),
      };
      const abortSoon = async (): Promise<void> => {
        for (let i = 0; i < microtasks; i++) await undefined;
        ended.abort();
        isOver = true;
      };
      const next = (): Promise<IteratorResult<TargetOptions<string>[]>> => {
        void abortSoon();
        return Promise.resolve({ done: false, value: listOf("a") });
      };
      const discovery = () => ({ [Symbol.asyncIterator]: () => ({ next }) });
      await followDiscovery(discovery, listener, { signal: ended.signal });
      expect(wrong, `after ${microtasks} microtasks`).toEqual([]);
    }
  });

  test("by what it was just told, it is left although it hangs from then on", async () => {
    const ended = new AbortController();
    const listener = { targets: () => ended.abort(), failed: () => {} };
    const discovery = async function* () {
      yield listOf("a");
      await never;
    };
    await followDiscovery(discovery, listener, { signal: ended.signal });
    expect(ended.signal.aborted).toBe(true);
  });

  test("by what it was just told, the same list is the last", async () => {
    const ended = new AbortController();
    const told: string[] = [];
    const listener = {
      targets: (list: readonly TargetOptions<string>[]) => {
        told.push(list.map(({ id }) => id).join(" "));
        ended.abort();
      },
      failed: () => void told.push("failed"),
    };
    await followDiscovery(() => say(listOf("a"), listOf("b")), listener, { signal: ended.signal });
    expect(told).toEqual(["a"]);
  });

  test("before it begins, it is not even started", async () => {
    let started = false;
    const discovery = () => {
      started = true;
      return say(listOf("a"));
    };
    const { told, done } = follow(discovery, { signal: AbortSignal.abort() });
    await done;
    expect({ started, told }).toEqual({ started: false, told: [] });
  });
});

test("a list is no discovery", async () => {
  await expect(follow(listOf("a") as never).done).rejects.toThrow(/discovery must be a function/);
});
