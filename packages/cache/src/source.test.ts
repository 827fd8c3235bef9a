import { cacheLoad } from "@headroom/core/channels";
import { expect, onTestFinished, test } from "vitest";
import { entryFor, rulesFor } from "../test/read-rules.ts";
import { Flight } from "./flight.ts";
import { LocalEntry } from "./local-entry.ts";
import { type Call, entryOf, mayServe, Source } from "./source.ts";
import { createCounters } from "./stats.ts";

function call(
  load: Call["load"],
  rules = rulesFor(),
): Call & { rules: ReturnType<typeof rulesFor> } {
  return { key: "k", storeKey: "app:x:k", rules, load };
}

test("a load is traced by the name of its definition alone", async () => {
  const heard: unknown[] = [];
  onTestFinished(cacheLoad.subscribe({ asyncEnd: (context) => heard.push({ ...context }) }));
  const source = new Source("user", 0, createCounters());
  await source.load(
    new Flight("k"),
    call(() => "v"),
    undefined,
    false,
  );
  await source
    .load(
      new Flight("k"),
      call(() => {
        throw new Error("down");
      }),
      undefined,
      false,
    )
    .catch(() => {});
  expect(heard).toEqual([{ cache: "user" }, { cache: "user", error: new Error("down") }]);
});

test("a failure throttles the loads of its key, unless its flight was forgotten", async () => {
  const counters = createCounters();
  const source = new Source("user", 1_000, counters);
  const failing = call(() => {
    throw new Error("down");
  });
  const forgotten = new Flight("k");
  forgotten.current = false;
  await source.load(forgotten, failing, undefined, false).catch(() => {});
  await source.load(new Flight("k"), failing, undefined, false).catch(() => {});
  await expect(source.load(new Flight("k"), failing, undefined, false)).rejects.toThrow("down");
  expect(counters).toMatchObject({ loads: 2, loadErrors: 2, throttled: 1 });
  source.forget("k");
  await source.load(new Flight("k"), failing, undefined, false).catch(() => {});
  expect(counters.loads).toBe(3);
});

test("a stale value may be served while it is intact, in its time, and its flight not forgotten", async () => {
  const rules = rulesFor({ staleIfErrorMs: 500 });
  const guard = { broken: false };
  const stale = new LocalEntry(entryFor(rules), [guard], rules, 0);
  const flight = new Flight("k");
  expect(mayServe(flight, stale, rules)).toBe(true);
  await rules.clock.advance(500);
  expect(mayServe(flight, stale, rules)).toBe(false);
  const later = new LocalEntry(entryFor(rules), [guard], rules, 10_000);
  expect(mayServe(flight, later, rules)).toBe(true);
  guard.broken = true;
  expect(mayServe(flight, later, rules)).toBe(false);
  const gone = new Flight("k");
  gone.current = false;
  expect(mayServe(gone, new LocalEntry(entryFor(rules), [], rules, 10_000), rules)).toBe(false);
});

test("what is kept of a load: by its own time to live, absent only if asked for", () => {
  const rules = rulesFor();
  const loaded = { value: "v", loadMs: 3, ttlMs: undefined, tags: ["t"], validator: "e" };
  expect(entryOf(loaded, 7, rules)).toMatchObject({
    value: "v",
    sequence: 7,
    tags: ["*", "t"],
    freshForMs: 1_000,
    loadMs: 3,
    validator: "e",
  });
  expect(entryOf({ ...loaded, ttlMs: 5 }, 7, rules)?.freshForMs).toBe(5);
  expect(entryOf({ ...loaded, ttlMs: 0 }, 7, rules)).toBeUndefined();
  expect(entryOf({ ...loaded, value: undefined }, 7, rules)).toBeUndefined();
  expect(
    entryOf({ ...loaded, value: undefined }, 7, rulesFor({ absentTtlMs: 50 }))?.freshForMs,
  ).toBe(50);
});
