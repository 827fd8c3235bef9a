import { healthPolicy } from "@headroom/core/health";
import { seededRandom } from "@headroom/core/random";
import { expect, test } from "vitest";
import { Endpoint } from "./endpoint.ts";
import { policyByName } from "./policies/policy-by-name.ts";
import { buildRotation, presentByPriority, type RotationRules } from "./rotation.ts";
import type { TargetOptions } from "./target.ts";

const SEED = 7;
const EJECTED = { status: "ejected", untilMs: 1e9, ejectionMs: 1 } as const;

function rules(options: Partial<RotationRules> = {}): RotationRules {
  return {
    policy: policyByName("round-robin", seededRandom(SEED)),
    health: healthPolicy({ slowStartMs: 10_000 }),
    panicThreshold: 0.5,
    overprovisioning: 1.4,
    zone: undefined,
    ...options,
  };
}

/** Long past their slow start. */
function endpoints(...options: Partial<TargetOptions<string>>[]): Endpoint<string>[] {
  return options.map((each, at) => {
    const id = String.fromCharCode(97 + at);
    const full = { id, target: id, ...each };
    return new Endpoint(full, "owner", -60_000, { decayMs: 10_000, initialMs: 1_000, window: {} });
  });
}

function shares(
  all: Endpoint<string>[],
  options: Partial<RotationRules> = {},
  picks = 10_000,
): Record<string, number> {
  const rotation = buildRotation(presentByPriority(all), rules(options), 0);
  const random = seededRandom(SEED);
  const counts: Record<string, number> = {};
  const request = { nowMs: 0, key: undefined, exclude: undefined };
  for (let pick = 0; pick < picks; pick++) {
    const id = rotation.pick(request, random)?.id ?? "nobody";
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).map(([id, count]) => [id, count / picks]));
}

test("the first priority gets everything while it is healthy enough", () => {
  const all = endpoints({}, {}, {}, {}, { priority: 1 });
  (all[0] as Endpoint<string>).health = EJECTED;
  expect(shares(all)).toEqual({
    b: expect.closeTo(1 / 3, 2),
    c: expect.closeTo(1 / 3, 2),
    d: expect.closeTo(1 / 3, 2),
  });
});

test("what it cannot carry spills over: half of it healthy is 70 : 30", () => {
  const all = endpoints({}, {}, { priority: 1 }, { priority: 1 });
  (all[0] as Endpoint<string>).health = EJECTED;
  // Ten thousand draws of 70 %: 0.025 is more than five standard deviations.
  const { b = 0, c = 0, d = 0 } = shares(all);
  expect(Math.abs(b - 0.7)).toBeLessThan(0.025);
  expect(Math.abs(c + d - 0.3)).toBeLessThan(0.025);
});

test("in panic health is ignored", () => {
  const all = endpoints({}, {}, {});
  for (const endpoint of all.slice(1)) endpoint.health = EJECTED;
  const rotation = buildRotation(presentByPriority(all), rules(), 0);
  expect(rotation.isPanicking).toBe(true);
  expect([...rotation.panics]).toEqual([0]);
  expect(Object.keys(shares(all)).toSorted()).toEqual(["a", "b", "c"]);
});

test("a panic threshold of 0 keeps to the healthy ones, and to nobody when there are none", () => {
  const all = endpoints({}, {}, {});
  for (const endpoint of all.slice(1)) endpoint.health = EJECTED;
  expect(shares(all, { panicThreshold: 0 })).toEqual({ a: 1 });
  (all[0] as Endpoint<string>).health = EJECTED;
  expect(shares(all, { panicThreshold: 0 })).toEqual({ nobody: 1 });
});

test("one that drains is not even used in panic", () => {
  const all = endpoints({}, {}, {});
  const [a, b, c] = all as [Endpoint<string>, Endpoint<string>, Endpoint<string>];
  a.health = { status: "draining" };
  b.health = EJECTED;
  c.health = EJECTED;
  expect(Object.keys(shares(all)).toSorted()).toEqual(["b", "c"]);
});

test("the own zone comes first, and another one when it is gone", () => {
  const all = endpoints({ zone: "north" }, { zone: "north" }, { zone: "south" }, { zone: "south" });
  expect(shares(all, { zone: "north" })).toEqual({ a: 0.5, b: 0.5 });
  for (const endpoint of all.slice(0, 2)) endpoint.health = EJECTED;
  expect(shares(all, { zone: "north" })).toEqual({ c: 0.5, d: 0.5 });
});

test("when all of the right ones are excluded, another priority helps out", () => {
  const all = endpoints({}, {}, { priority: 1 });
  const rotation = buildRotation(presentByPriority(all), rules(), 0);
  const exclude = new Set(all.slice(0, 2));
  const request = { nowMs: 0, key: undefined, exclude };
  expect(rotation.pick(request, seededRandom(SEED))?.id).toBe("c");
  const none = { nowMs: 0, key: undefined, exclude: new Set(all) };
  expect(rotation.pick(none, seededRandom(SEED))).toBeUndefined();
});

test("one key stays at one priority, whatever chance says", () => {
  const all = endpoints({}, {}, { priority: 1 }, { priority: 1 });
  (all[0] as Endpoint<string>).health = EJECTED;
  const policy = policyByName("ring", seededRandom(SEED));
  const rotation = buildRotation(presentByPriority(all), rules({ policy }), 0);
  for (let user = 0; user < 100; user++) {
    const request = { nowMs: 0, key: `user:${user}`, exclude: undefined };
    const first = rotation.pick(request, () => 0);
    expect(rotation.pick(request, () => 0.999)).toBe(first);
  }
});

test("one key stays in one zone, whatever chance says", () => {
  const all = endpoints({ zone: "north" }, { zone: "north" }, { zone: "south" }, { zone: "south" });
  (all[0] as Endpoint<string>).health = EJECTED;
  const policy = policyByName("ring", seededRandom(SEED));
  const rotation = buildRotation(presentByPriority(all), rules({ policy, zone: "north" }), 0);
  const zones = new Set<string | undefined>();
  for (let user = 0; user < 100; user++) {
    const request = { nowMs: 0, key: `user:${user}`, exclude: undefined };
    const first = rotation.pick(request, () => 0);
    expect(rotation.pick(request, () => 0.999)).toBe(first);
    zones.add(first?.zone);
  }
  expect([...zones].toSorted()).toEqual(["north", "south"]);
});

test("a slow start gives a small share that grows, and says when to look again", () => {
  const all = endpoints({});
  const [a] = all as [Endpoint<string>];
  a.health = { status: "healthy", joinedMs: 0, ejectionMs: 0 };
  const levels = presentByPriority(all);
  const at = (nowMs: number): [number, number] => {
    const { staleMs } = buildRotation(levels, rules(), nowMs);
    return [a.share, staleMs];
  };
  expect(at(0)).toEqual([0.1, 200]);
  expect(at(5_000)).toEqual([0.5, 5_200]);
  expect(at(10_000)).toEqual([1, Number.POSITIVE_INFINITY]);
});

test("nobody at all", () => {
  const rotation = buildRotation(presentByPriority<string>([]), rules(), 0);
  const request = { nowMs: 0, key: undefined, exclude: undefined };
  expect(rotation.pick(request, seededRandom(SEED))).toBeUndefined();
  expect(rotation.isPanicking).toBe(false);
});
