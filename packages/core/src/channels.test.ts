import { channel, tracingChannel } from "node:diagnostics_channel";
import { expect, expectTypeOf, test } from "vitest";
import * as channels from "./channels.ts";

const all = Object.values(channels);

test("every channel of the design is there, under a name of its own", () => {
  expect(all.map(({ name }) => name).toSorted()).toEqual([
    "headroom.cache.degraded",
    "headroom.cache.get",
    "headroom.cache.load",
    "headroom.lb.attempt",
    "headroom.lb.backend",
    "headroom.lb.discovery",
    "headroom.lb.panic",
    "headroom.lb.rejected",
    "headroom.lb.request",
    "headroom.lb.retry",
    "headroom.queue.dead",
    "headroom.queue.degraded",
    "headroom.queue.enqueue",
    "headroom.queue.load",
    "headroom.queue.process",
    "headroom.queue.scale",
    "headroom.queue.tick",
    "headroom.queue.vacuum",
    "headroom.replica.lag",
    "headroom.replica.query",
    "headroom.replica.role",
    "headroom.replica.route",
    "headroom.session.commit",
    "headroom.session.load",
    "headroom.shard.map",
    "headroom.shard.query",
  ]);
});

test("a channel is exported under its own name", () => {
  for (const [exported, { name }] of Object.entries(channels)) {
    const words = name.replace("headroom.", "").split(".");
    expect(exported).toBe(words.map((word, at) => (at === 0 ? word : capitalised(word))).join(""));
  }
});

test("nobody listens at first, and each can be listened to by its name", () => {
  for (const each of all) {
    expect(each.hasSubscribers).toBe(false);
    const handler = (): void => {};
    const heard = "trace" in each ? tracingChannel(each.name).asyncEnd : channel(each.name);
    heard.subscribe(handler);
    expect(each.hasSubscribers, each.name).toBe(true);
    heard.unsubscribe(handler);
    expect(each.hasSubscribers, each.name).toBe(false);
  }
});

test("the compiler knows what is on a channel", () => {
  const unsubscribe = channels.lbBackend.subscribe((event) => {
    expectTypeOf(event).toEqualTypeOf<channels.LbBackend>();
  });
  unsubscribe();
  expectTypeOf<"probe-failed">().toExtend<channels.LbBackend["reason"]>();
  expectTypeOf<string>().not.toExtend<channels.LbBackend["reason"]>();
  expectTypeOf(channels.cacheGet.trace).parameter(0).returns.toEqualTypeOf<channels.CacheGet>();
  expect(channels.lbBackend.hasSubscribers).toBe(false);
});

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
