import { expect, test } from "vitest";
import { type DiscoveryUpdate, followDiscovery } from "../discovery.ts";
import type { TargetOptions } from "../target.ts";
import { mapDiscovery } from "./map-discovery.ts";

const toUrl = ({ target, ...rest }: TargetOptions<number>): TargetOptions<string> => {
  if (target > 65_535) throw new RangeError(`no port ${target}`);
  return { ...rest, target: `http://10.0.0.1:${target}` };
};

async function told(...updates: unknown[]): Promise<unknown[]> {
  const all: unknown[] = [];
  const discovery = mapDiscovery<number, string>(async function* () {
    for (const update of updates) yield update as DiscoveryUpdate<number>;
  }, toUrl);
  const listener = {
    targets: (list: readonly TargetOptions<string>[]) => void all.push(list),
    failed: (failed: unknown) => void all.push({ failed }),
  };
  await followDiscovery(discovery, listener, { signal: new AbortController().signal });
  return all;
}

test("every target is what the map makes of it, with the rest as it was", async () => {
  expect(await told([{ id: "a", target: 80, weight: 2 }], [])).toEqual([
    [{ id: "a", target: "http://10.0.0.1:80", weight: 2 }],
    [],
  ]);
});

test("failures go through, and mistakes become some, without an end to the discovery", async () => {
  const down = new Error("down");
  const a = { id: "a", target: 80 };
  expect(await told({ failed: down }, [a, a], "a", [{ id: "b", target: 70_000 }], [a])).toEqual([
    { failed: down },
    { failed: expect.any(RangeError) },
    { failed: expect.any(TypeError) },
    { failed: new RangeError("no port 70000") },
    [{ id: "a", target: "http://10.0.0.1:80" }],
  ]);
});

test("the discovery behind it gets the signal, and runs its finally", async () => {
  const ended = new AbortController();
  let signal: AbortSignal | undefined;
  let isCleaned = false;
  const discovery = mapDiscovery<number, string>(async function* (given) {
    signal = given;
    try {
      yield [];
      yield [];
    } finally {
      isCleaned = true;
    }
  }, toUrl);
  const listener = { targets: () => ended.abort(), failed: () => {} };
  await followDiscovery(discovery, listener, { signal: ended.signal });
  expect(signal).toBe(ended.signal);
  await expect.poll(() => isCleaned).toBe(true);
});
