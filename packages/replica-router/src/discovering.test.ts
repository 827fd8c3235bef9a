import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { discoverRegularly } from "./discovering.ts";
import type { Discovery } from "./discovery.ts";
import { hostConfigs } from "./pool/host-configs.ts";

function start(list: Discovery["list"]) {
  const clock = createManualClock();
  const used: string[][] = [];
  const stop = discoverRegularly(
    {
      discovery: { name: "mine", everyMs: 1000, list },
      hosts: hostConfigs("postgres://a/x", []),
      clock,
    },
    {
      use: (hosts) => used.push(hosts.map(({ name }) => name)),
      query: async () => [],
      primary: () => undefined,
    },
  );
  onTestFinished(stop);
  return { clock, used, stop };
}

test("what is found is used beside what was named, again and again", async () => {
  let found = ["postgres://b/x"];
  const { clock, used } = start(async () => found);
  await clock.advance(0);
  found = ["postgres://a/x", "postgres://c/x"];
  await clock.advance(1000);
  expect(used).toEqual([
    ["a:5432", "b:5432"],
    ["a:5432", "c:5432"],
  ]);
});

test("a failure leaves the list as it was and is told", async () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  let fails = true;
  const { clock, used } = start(async () => {
    if (fails) throw new Error("no answer");
    return ["postgres://b/x"];
  });
  await clock.advance(0);
  expect(used).toEqual([]);
  expect(warned).toHaveBeenCalledWith(expect.stringContaining("no answer"), {
    code: "HEADROOM_REPLICA_DISCOVERY",
  });
  fails = false;
  await clock.advance(1000);
  expect(used).toEqual([["a:5432", "b:5432"]]);
});

test("when it is ended nothing is asked or used any more", async () => {
  let asked = 0;
  const { clock, used, stop } = start(async () => {
    asked++;
    return [];
  });
  stop();
  await clock.advance(10_000);
  expect([asked, used]).toEqual([1, []]);
});
