import { createManualClock } from "@headroom/core/testing";
import { describe, expect, test } from "vitest";
import { followDiscovery } from "../discovery.ts";
import type { TargetOptions } from "../target.ts";
import { polledTargets, targetFeed } from "./feed.ts";

const listOf = (...ids: string[]): TargetOptions<string>[] =>
  ids.map((id) => ({ id, target: `http://${id}` }));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function follow(discovery: Parameters<typeof followDiscovery<string>>[0]) {
  const clock = createManualClock();
  const ended = new AbortController();
  const told: unknown[] = [];
  const listener = {
    targets: (list: readonly TargetOptions<string>[]) =>
      void told.push(list.map(({ id }) => id).join(" ")),
    failed: (error: unknown) => void told.push(error),
  };
  const done = followDiscovery(discovery, listener, { signal: ended.signal, clock });
  return { told, done, end: () => ended.abort() };
}

describe("a feed", () => {
  test("tells what is published, before and after somebody follows, also that there is nobody", async () => {
    const feed = targetFeed<string>();
    feed.publish(listOf("a"));
    const { told } = follow(feed.discovery);
    await turn();
    expect(told).toEqual(["a"]);
    feed.publish(listOf("a", "b"));
    await turn();
    feed.publish([]);
    await turn();
    expect(told).toEqual(["a", "a b", ""]);
  });

  test("is followed by any number of balancers, the late ones from the last list on", async () => {
    const feed = targetFeed<string>();
    const early = follow(feed.discovery);
    await turn();
    expect(early.told).toEqual([]);
    feed.publish(listOf("a"));
    await turn();
    feed.publish(listOf("b"));
    const late = follow(feed.discovery);
    await turn();
    expect(early.told).toEqual(["a", "b"]);
    expect(late.told).toEqual(["b"]);
  });

  test("tells only the last of what was published at once", async () => {
    const feed = targetFeed<string>();
    const { told } = follow(feed.discovery);
    await turn();
    for (const id of ["a", "b", "c"]) feed.publish(listOf(id));
    await turn();
    expect(told).toEqual(["c"]);
  });

  test("refuses a list with a mistake in it, and keeps the last", async () => {
    const feed = targetFeed<string>();
    const { told } = follow(feed.discovery);
    feed.publish(listOf("a"));
    await turn();
    expect(() => feed.publish(listOf("b", "b"))).toThrow(/targets\[1\]\.id must be unique/);
    await turn();
    expect(told).toEqual(["a"]);
  });

  test("does not see what its publisher does to the list afterwards", async () => {
    const feed = targetFeed<string>();
    const list = listOf("a");
    feed.publish(list);
    list.pop();
    const { told } = follow(feed.discovery);
    await turn();
    expect(told).toEqual(["a"]);
  });

  test("remembers nobody who has stopped listening", async () => {
    const feed = targetFeed<string>();
    const { told, done, end } = follow(feed.discovery);
    await turn();
    end();
    await done;
    feed.publish(listOf("a"));
    await turn();
    expect(told).toEqual([]);
  });

  test("ends with the signal's reason for whoever iterates over it", async () => {
    const feed = targetFeed<string>();
    const updates = feed.discovery(AbortSignal.abort("closed"))[Symbol.asyncIterator]();
    await expect(updates.next()).rejects.toBe("closed");
  });
});

describe("targets that are asked for", () => {
  function start(fetch: (signal: AbortSignal) => Promise<readonly TargetOptions<string>[]>) {
    const clock = createManualClock();
    const ended = new AbortController();
    const told: unknown[] = [];
    const listener = {
      targets: (list: readonly TargetOptions<string>[]) =>
        void told.push(list.map(({ id }) => id).join(" ")),
      failed: (error: unknown) => void told.push(error),
    };
    const discovery = polledTargets(fetch, { intervalMs: 10_000, clock, random: () => 0 });
    const done = followDiscovery(discovery, listener, { signal: ended.signal, clock });
    return { clock, told, done, end: () => ended.abort() };
  }

  test("are asked for once an interval; an empty list is an answer", async () => {
    const answers = [listOf("a"), [], listOf("b")];
    const { clock, told } = start(async () => answers.shift() ?? listOf("c"));
    await clock.advance(30_000);
    expect(told).toEqual(["a", "", "b", "c"]);
  });

  test("stay when asking fails, is answered with a mistake, or takes too long", async () => {
    const down = new Error("registry down");
    const answers = [
      async () => listOf("a"),
      async () => Promise.reject(down),
      async () => listOf("b", "b"),
      () => new Promise<never>(() => {}),
      async () => listOf("c"),
    ];
    const { clock, told } = start(() => (answers.shift() ?? (async () => listOf("d")))());
    // 10 s interval, then 1 s, 1 s of backoff, 10 s of waiting in vain, 1 s of backoff.
    await clock.advance(23_000);
    expect(told).toEqual([
      "a",
      down,
      expect.objectContaining({ message: expect.stringContaining("unique") }),
      expect.objectContaining({ code: "DEADLINE_EXCEEDED" }),
      "c",
    ]);
  });

  test("are no longer asked for when the balancer closes", async () => {
    let signal: AbortSignal | undefined;
    const { clock, done, end } = start((given) => {
      signal = given;
      return new Promise(() => {});
    });
    await clock.advance(1);
    end();
    await done;
    expect(signal?.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test.each([
    [{ interval: 5 }, /did you mean "intervalMs"/],
    [{ intervalMs: 0 }, /intervalMs must be a positive/],
    [{ timeoutMs: Number.NaN }, /timeoutMs/],
  ])("with %o are refused", (options, message) => {
    expect(() => polledTargets(async () => [], options as object)).toThrow(message);
    expect(() => polledTargets(undefined as never)).toThrow(/fetch must be a function/);
  });
});
