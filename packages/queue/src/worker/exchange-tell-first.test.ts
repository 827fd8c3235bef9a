import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { ClaimedJob, Settlement, Verdict } from "../driver.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { Attempt } from "./attempt.ts";
import { Exchange } from "./exchange.ts";

const DONE: Verdict = { kind: "done", result: undefined };

class Telling {
  resolve: (isTold: boolean) => void = () => {};
  readonly promise = new Promise<boolean>((resolve) => {
    this.resolve = resolve;
  });
}

function setup() {
  const clock = createManualClock();
  const settled: unknown[] = [];
  const sent: string[] = [];
  const tell = new Map<string, Telling>();
  const driver = memoryDriver({ clock });
  const exchange = new Exchange({
    driver: {
      ...driver,
      name: "memory",
      capabilities: driver.capabilities,
      settle: async (_queue, settlements: readonly Settlement[]) => {
        sent.push(...settlements.map(({ job }) => job.id));
        return { outcomes: settlements.map(() => "settled" as const), claim: undefined };
      },
    },
    settings: {} as never,
    leaseMs: 1_000,
    clock,
    random: () => 0.5,
    wanted: () => 0,
    claimed: () => {},
    tellFirst: (job) => tell.get(job.id)?.promise,
    beforeSettle: undefined,
    settled: (attempt, _verdict, outcome) => settled.push([attempt.job.id, outcome]),
    failed: () => {},
  });
  const settle = (id: string): void =>
    exchange.settle(new Attempt({ id } as ClaimedJob, 1_000), DONE);
  return { clock, exchange, settled, sent, tell, settle };
}

test("an end that others are to be told of waits for that, and holds nobody up", async () => {
  const { clock, exchange, settled, sent, tell, settle } = setup();
  const telling = new Telling();
  tell.set("child", telling);
  settle("child");
  settle("other");
  let isIdle = false;
  const idle = exchange.idle().then(() => {
    isIdle = true;
  });
  await clock.advance(1);
  expect(sent).toEqual(["other"]);
  expect(isIdle).toBe(false);
  telling.resolve(true);
  await idle;
  expect(sent).toEqual(["other", "child"]);
  expect(settled).toEqual([
    ["other", "settled"],
    ["child", "settled"],
  ]);
});

test("who could not be told drops the end, and so does who gives up", async () => {
  const { clock, exchange, settled, sent, tell, settle } = setup();
  const [never, late] = [new Telling(), new Telling()];
  tell.set("never", never).set("late", late);
  settle("never");
  settle("late");
  never.resolve(false);
  await clock.advance(1);
  exchange.giveUp();
  late.resolve(true);
  await clock.advance(1);
  expect(sent).toEqual([]);
  expect(settled).toEqual([
    ["never", "dropped"],
    ["late", "dropped"],
  ]);
});
