import { expect, test } from "vitest";
import { entryFor, rulesFor } from "../test/read-rules.ts";
import { Copies } from "./copies.ts";
import { Flight } from "./flight.ts";
import type { LocalEntry } from "./local-entry.ts";
import { createLocalStore } from "./local-store-by-policy.ts";
import { createOwnTags } from "./tag-registry.ts";

function copies(delivers = true) {
  const rules = rulesFor();
  const store = createLocalStore<LocalEntry>("lru", { maxEntries: 10, maxBytes: 1_000 });
  const outage = { broken: false };
  const tags = createOwnTags();
  const own = new Copies({ store, delivers: () => delivers, outageGuard: () => outage, tags });
  return { rules, store, outage, tags, own, from: { partition: 0, bytes: 10 } };
}

test("a copy ages from when it was stored, wherever that was", async () => {
  const { own, rules, from } = copies();
  const entry = entryFor(rules);
  await rules.clock.advance(300);
  expect(own.keep(new Flight("k"), entry, [], rules, from).freshUntilMs).toBe(1_000);
  expect(own.get("k")?.value).toBe("v");
});

test("a clock of another machine that is ahead does not make it fresh for longer", () => {
  const { own, rules, from } = copies();
  const entry = entryFor(rules, { storedAtMs: rules.clock.now() + 60_000 });
  expect(own.keep(new Flight("k"), entry, [], rules, from).freshUntilMs).toBe(1_000);
});

test("nothing is kept of a flight that was forgotten, nor where messages do not arrive", () => {
  const { own, rules, from } = copies();
  const flight = new Flight("k");
  flight.current = false;
  expect(own.keep(flight, entryFor(rules), [], rules, from).value).toBe("v");
  own.keepInOutage(flight, entryFor(rules), rules);
  expect(own.get("k")).toBeUndefined();
  const deaf = copies(false);
  deaf.own.keep(new Flight("k"), entryFor(deaf.rules), [], deaf.rules, deaf.from);
  expect(deaf.own.get("k")).toBeUndefined();
});

test("a copy with a broken guard is none", () => {
  const { own, rules, from } = copies();
  const guard = { broken: false };
  own.keep(new Flight("k"), entryFor(rules), [guard], rules, from);
  expect(own.get("k")).toBeDefined();
  guard.broken = true;
  expect(own.get("k")).toBeUndefined();
});

test("a copy of an outage is short, and ends with the outage or a bump of its tags", () => {
  const { own, rules, outage, tags } = copies();
  own.keepInOutage(new Flight("a"), entryFor(rules, { tags: ["t"] }), rules);
  own.keepInOutage(new Flight("b"), entryFor(rules), rules);
  expect(own.get("a")?.freshUntilMs).toBe(200);
  tags.bumping(["t"]);
  expect(own.get("a")).toBeUndefined();
  expect(own.get("b")).toBeDefined();
  outage.broken = true;
  expect(own.get("b")).toBeUndefined();
});

test("drop and dropAll take copies away", () => {
  const { own, rules, from, store } = copies();
  for (const key of ["a", "b", "c"]) own.keep(new Flight(key), entryFor(rules), [], rules, from);
  own.drop("a");
  expect(store.size).toBe(2);
  own.dropAll();
  expect(store.size).toBe(0);
});
