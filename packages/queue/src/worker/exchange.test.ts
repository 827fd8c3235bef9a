import { createManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Claim, ClaimedJob, QueueDriver, Settled, Settlement, Verdict } from "../driver.ts";
import { driverFailed } from "../errors.ts";
import { Attempt } from "./attempt.ts";
import { Exchange, type ExchangeParts } from "./exchange.ts";

const DONE: Verdict = { kind: "done", result: undefined };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const down = (): never => {
  throw driverFailed("q", "stub", new Error("down"));
};

interface Sent {
  readonly ids: readonly string[];
  readonly limit: number | undefined;
  readonly answer: (reply?: () => Settled) => void;
}

function setup(over: Partial<ExchangeParts> = {}) {
  const clock = createManualClock();
  const sent: Sent[] = [];
  const outcomes: string[] = [];
  const failed: string[] = [];
  const wants = { now: 0, along: 0 };
  const ask = (settlements: readonly Settlement[], limit: number | undefined): Promise<Settled> =>
    new Promise((resolve, reject) => {
      const usual = (): Settled => ({
        outcomes: settlements.map(() => "settled"),
        claim: limit === undefined ? undefined : { jobs: [], nextMs: undefined },
      });
      const answer = (reply = usual): void => {
        try {
          resolve(reply());
        } catch (error) {
          reject(error);
        }
      };
      sent.push({ ids: settlements.map(({ job }) => job.id), limit, answer });
    });
  const driver = {
    settle: (_, settlements, options) => ask(settlements, options?.claim?.limit),
    claim: async (_, { limit }) => (await ask([], limit)).claim as Claim,
  } as QueueDriver;
  const exchange = new Exchange({
    driver,
    settings: { name: "q" } as ExchangeParts["settings"],
    leaseMs: 10_000,
    clock,
    random: () => 0.5,
    wanted: (along) => (along ? wants.along : wants.now),
    claimed: () => {},
    tellFirst: undefined,
    beforeSettle: undefined,
    settled: ({ job }, _, outcome) => outcomes.push(`${job.id} ${outcome}`),
    failed: (_, what) => failed.push(what),
    ...over,
  });
  const settle = (...ids: string[]): void => {
    for (const id of ids) exchange.settle(new Attempt({ id } as ClaimedJob, 10_000), DONE);
  };
  return { clock, exchange, sent, outcomes, failed, wants, settle };
}

test("the ends of one moment go together, and what comes meanwhile with the next", async () => {
  const { sent, settle, outcomes, wants } = setup();
  wants.along = 7;
  settle("a", "b");
  await turn();
  settle("c");
  await turn();
  settle("d");
  expect(sent).toMatchObject([{ ids: ["a", "b"], limit: 7 }]);
  sent[0]?.answer();
  await turn();
  expect(outcomes).toEqual(["a settled", "b settled"]);
  expect(sent[1]).toMatchObject({ ids: ["c", "d"] });
});

test("a whole batch goes beside the one under way, a third waits, and each knows what the others claim", async () => {
  const claiming: number[] = [];
  const { sent, settle, exchange, outcomes } = setup({
    wanted: (along, under) => {
      if (along) claiming.push(under);
      return along ? 5 : 0;
    },
  });
  const many = (name: string, count: number) =>
    Array.from({ length: count }, (_, at) => `${name}${at}`);
  settle("a");
  await turn();
  settle(...many("b", 99));
  await turn();
  expect(sent.map(({ ids }) => ids.length)).toEqual([1]);
  settle("b99");
  await turn();
  settle(...many("c", 200));
  await turn();
  expect(sent.map(({ ids }) => ids.length)).toEqual([1, 100]);
  let isIdle = false;
  const idle = exchange.idle().then(() => {
    isIdle = true;
  });
  sent[1]?.answer();
  await turn();
  expect(sent.map(({ ids }) => ids.length)).toEqual([1, 100, 200]);
  sent[2]?.answer();
  await turn();
  expect(isIdle).toBe(false);
  sent[0]?.answer();
  await idle;
  expect(claiming).toEqual([0, 5, 5]);
  expect(new Set(outcomes).size).toBe(301);
});

test("two trips that fail are asked again together, once", async () => {
  const { clock, sent, settle, outcomes, failed } = setup();
  settle("a");
  await turn();
  settle(...Array.from({ length: 100 }, (_, at) => `b${at}`));
  await turn();
  for (const { answer } of [...sent]) answer(down);
  await turn();
  expect(failed).toEqual(["settle", "settle"]);
  expect(clock.pending).toBe(1);
  await clock.advance(1_000);
  await turn();
  expect(sent.slice(2).map(({ ids }) => ids.length)).toEqual([101]);
  sent[2]?.answer();
  await turn();
  expect(outcomes).toHaveLength(101);
});

test("with nothing to tell it claims only if jobs are wanted", async () => {
  const { sent, exchange, wants } = setup();
  exchange.pump();
  expect(sent).toEqual([]);
  wants.now = 3;
  exchange.pump();
  exchange.pump();
  expect(sent).toMatchObject([{ ids: [], limit: 3 }]);
  wants.now = 0;
  sent[0]?.answer();
  await exchange.idle();
  expect(sent).toHaveLength(1);
});

test("a driver that fails is asked again after a moment, with what is new", async () => {
  const { clock, sent, settle, outcomes, failed, exchange } = setup();
  settle("a");
  await turn();
  sent[0]?.answer(down);
  await turn();
  settle("b");
  await turn();
  expect([sent.length, exchange.failing, failed]).toEqual([1, true, ["settle"]]);
  await clock.advance(100);
  expect(sent[1]).toMatchObject({ ids: ["a", "b"] });
  sent[1]?.answer(() => ({ outcomes: ["lost", "lost"], claim: undefined }));
  await turn();
  // The first may have been settled by the call whose answer was lost.
  expect(outcomes).toEqual(["a unsure", "b lost"]);
  expect(exchange.failing).toBe(false);
});

test("an end whose lease is over for long is dropped", async () => {
  const { clock, sent, settle, outcomes } = setup();
  settle("a");
  await turn();
  for (let at = 0; outcomes.length === 0; at++) {
    sent[at]?.answer(down);
    await clock.advance(1_000);
    expect(at).toBeLessThan(30);
  }
  expect(outcomes).toEqual(["a dropped"]);
  expect(clock.monotonicNow()).toBeGreaterThanOrEqual(20_000);
});

test("one end that the driver cannot take does not hold up the others", async () => {
  const { clock, sent, settle, outcomes } = setup();
  settle("a", "b", "bad", "c");
  await turn();
  for (let at = 0; at < sent.length; at++) {
    const poisoned = sent[at]?.ids.includes("bad");
    sent[at]?.answer(
      poisoned
        ? () => {
            throw new Error("unsupported Unicode escape");
          }
        : undefined,
    );
    await clock.advance(1_000);
  }
  expect(outcomes.toSorted()).toEqual(["a settled", "b settled", "bad dropped", "c settled"]);
});

test("who gives up drops what is left, and is idle", async () => {
  const { sent, settle, outcomes, exchange } = setup();
  settle("a");
  await turn();
  sent[0]?.answer(down);
  await turn();
  const idle = exchange.idle();
  exchange.giveUp();
  await idle;
  expect(outcomes).toEqual(["a dropped"]);
});

test("whatever is told, and however calls end: every end has one outcome, one call is under way", async () => {
  const step = fc.constantFrom("settle", "settle", "ok", "lost", "down", "wait");
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { clock, sent, settle, outcomes, exchange } = setup();
      let told = 0;
      let answered = 0;
      const answer = (how: string): void => {
        const call = sent[answered];
        if (call === undefined) return;
        answered += 1;
        if (how === "down") call.answer(down);
        else if (how === "ok") call.answer();
        else call.answer(() => ({ outcomes: call.ids.map(() => "lost"), claim: undefined }));
      };
      for (const how of steps) {
        if (how === "settle") settle(String(told++));
        else if (how === "wait") await clock.advance(200);
        else answer(how);
        await turn();
        expect(sent.length - answered).toBeLessThanOrEqual(1);
      }
      while (outcomes.length < told) {
        answer("ok");
        await clock.advance(1_000);
      }
      await exchange.idle();
      const ids = outcomes.map((outcome) => outcome.split(" ")[0]);
      expect(ids.toSorted()).toEqual(Array.from({ length: told }, (_, at) => `${at}`).toSorted());
    }),
    { numRuns: 60 },
  );
});
