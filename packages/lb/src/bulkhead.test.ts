import { getEventListeners } from "node:events";
import { isHeadroomError } from "@headroom/core/errors";
import { createManualClock, type ManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Bulkhead, type BulkheadOptions } from "./bulkhead.ts";

function createBulkhead(options: Partial<BulkheadOptions> = {}) {
  const clock = createManualClock();
  const rejections: string[] = [];
  const bulkhead = new Bulkhead({
    maxInFlight: 2,
    maxQueued: 3,
    queueTimeoutMs: 1_000,
    clock,
    pool: "web",
    onRejected: (reason) => rejections.push(reason),
    ...options,
  });
  return { bulkhead, clock, rejections };
}

/** A bulkhead with one room, taken, and those who wait named by when they came. */
function createQueue(options: Partial<BulkheadOptions> = {}) {
  const made = createBulkhead({ maxInFlight: 1, ...options });
  const admitted: string[] = [];
  const wait = (name: string, signal?: AbortSignal): Promise<unknown> =>
    made.bulkhead.enter({ signal }).then(
      () => admitted.push(name),
      (error: unknown) => error,
    );
  expect(made.bulkhead.tryEnter()).toBe(true);
  return { ...made, admitted, wait };
}

/** Lets promises run; no time passes. */
const settle = (clock: ManualClock): Promise<void> => clock.advance(0);
const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

describe("room", () => {
  test("is for as many as may be inside", () => {
    const { bulkhead } = createBulkhead();
    expect([bulkhead.tryEnter(), bulkhead.tryEnter(), bulkhead.tryEnter()]).toEqual([
      true,
      true,
      false,
    ]);
    expect([bulkhead.inFlight, bulkhead.queued]).toEqual([2, 0]);
  });

  test("is there again when somebody leaves", () => {
    const { bulkhead } = createBulkhead({ maxInFlight: 1 });
    expect(bulkhead.tryEnter()).toBe(true);
    bulkhead.leave();
    expect(bulkhead.inFlight).toBe(0);
    expect(bulkhead.tryEnter()).toBe(true);
  });

  test("is entered without waiting when there is some", async () => {
    const { bulkhead, clock } = createBulkhead();
    await bulkhead.enter();
    await bulkhead.enter({ signal: new AbortController().signal });
    expect([bulkhead.inFlight, clock.pending]).toEqual([2, 0]);
  });

  test("is never short without a limit", () => {
    const { bulkhead } = createBulkhead({ maxInFlight: Number.POSITIVE_INFINITY });
    for (let i = 0; i < 10_000; i++) expect(bulkhead.tryEnter()).toBe(true);
    expect(bulkhead.inFlight).toBe(10_000);
  });

  test("is not made by leaving more often than entering", () => {
    const { bulkhead } = createBulkhead();
    expect(() => bulkhead.leave()).toThrow("leave() without enter()");
    bulkhead.tryEnter();
    bulkhead.leave();
    expect(() => bulkhead.leave()).toThrow("nobody is inside");
    expect(bulkhead.inFlight).toBe(0);
  });
});

describe("the queue", () => {
  test("goes in order of arrival", async () => {
    const { bulkhead, clock, admitted, wait } = createQueue();
    void wait("a");
    void wait("b");
    void wait("c");
    expect(bulkhead.queued).toBe(3);
    for (const expected of [["a"], ["a", "b"], ["a", "b", "c"]]) {
      bulkhead.leave();
      await settle(clock);
      expect(admitted).toEqual(expected);
      expect(bulkhead.inFlight).toBe(1);
    }
    expect([bulkhead.queued, clock.pending]).toEqual([0, 0]);
  });

  test("is not overtaken: a room is handed over before anybody else can take it", async () => {
    const { bulkhead, clock, admitted, wait } = createQueue();
    void wait("a");
    await settle(clock);
    bulkhead.leave();
    expect(bulkhead.tryEnter()).toBe(false);
    await settle(clock);
    expect(admitted).toEqual(["a"]);
  });

  test("that is full turns away at once", async () => {
    const { bulkhead, clock, wait, rejections } = createQueue({ maxQueued: 2 });
    void wait("a");
    void wait("b");
    const error = await wait("c");
    expect(isHeadroomError(error, "LB_OVERLOADED")).toBe(true);
    expect(error).toMatchObject({ pool: "web", attempts: 0, target: undefined, retryable: true });
    expect((error as Error).message).toBe(
      'load balancer "web" has 1 requests under way, its limit, and 2 wait for room, as many as may: the request was not sent, try again later',
    );
    expect([bulkhead.queued, clock.monotonicNow()]).toEqual([2, 0]);
    expect(rejections).toEqual(["overloaded"]);
  });

  test("may be switched off", async () => {
    const { wait, bulkhead } = createQueue({ maxQueued: 0 });
    expect(isHeadroomError(await wait("a"), "LB_OVERLOADED")).toBe(true);
    expect(bulkhead.queued).toBe(0);
  });
});

describe("a wait", () => {
  test("that takes too long ends, and says so", async () => {
    const { bulkhead, clock, wait, rejections, admitted } = createQueue();
    const result = wait("a");
    await clock.advance(999);
    expect(bulkhead.queued).toBe(1);
    await clock.advance(1);
    const error = await result;
    expect(isHeadroomError(error, "LB_OVERLOADED")).toBe(true);
    expect((error as Error).message).toContain("there was no room within 1000 ms");
    expect([bulkhead.queued, clock.pending, bulkhead.inFlight]).toEqual([0, 0, 1]);
    bulkhead.leave();
    await settle(clock);
    expect(admitted).toEqual([]);
    expect(bulkhead.inFlight).toBe(0);
    expect(rejections).toEqual(["queue-timeout"]);
  });

  test("ends with the reason of its signal, unwrapped, and its place is free at once", async () => {
    const { bulkhead, clock, wait, rejections } = createQueue({ maxQueued: 1 });
    const controller = new AbortController();
    const reason = { why: "the client hung up" };
    const result = wait("a", controller.signal);
    await settle(clock);
    controller.abort(reason);
    expect([bulkhead.queued, clock.pending]).toEqual([0, 0]);
    const next = wait("b");
    expect(bulkhead.queued).toBe(1);
    expect(await result).toBe(reason);
    bulkhead.leave();
    expect(await next).toBe(1);
    expect(rejections).toEqual([]);
  });

  test("does not begin when its signal has aborted, though there is room", async () => {
    const { bulkhead } = createBulkhead();
    const entering = bulkhead.enter({ signal: AbortSignal.abort("gone") });
    await expect(entering).rejects.toBe("gone");
    expect([bulkhead.inFlight, bulkhead.queued]).toEqual([0, 0]);
  });

  test("leaves no listener behind, however it ends", async () => {
    const { bulkhead, clock, wait } = createQueue();
    const { signal } = new AbortController();
    const admitted = wait("a", signal);
    const late = wait("b", signal);
    await settle(clock);
    expect(listeners(signal)).toBe(1);
    bulkhead.leave();
    await admitted;
    await clock.advance(1_000);
    await late;
    expect([listeners(signal), clock.pending]).toEqual([0, 0]);
  });

  test("that was granted a room keeps it when its signal aborts before it goes on", async () => {
    const { bulkhead, clock, admitted, wait } = createQueue();
    const controller = new AbortController();
    void wait("a", controller.signal);
    await settle(clock);
    bulkhead.leave();
    controller.abort();
    await settle(clock);
    expect(admitted).toEqual(["a"]);
    expect(bulkhead.inFlight).toBe(1);
  });

  test.each([
    [["a"], ["b", "c", "d", "e"]],
    [["c"], ["a", "b", "d", "e"]],
    [["e"], ["a", "b", "c", "d"]],
    [
      ["b", "c", "d"],
      ["a", "e"],
    ],
    [
      ["e", "a"],
      ["b", "c", "d"],
    ],
    [["a", "b", "c", "d", "e"], []],
  ])("given up by %j leaves %j in order", async (leaving, staying) => {
    const { bulkhead, clock, admitted, wait } = createQueue({ maxQueued: 5 });
    const controllers = new Map<string, AbortController>();
    for (const name of ["a", "b", "c", "d", "e"]) {
      const controller = new AbortController();
      controllers.set(name, controller);
      void wait(name, controller.signal);
    }
    await settle(clock);
    for (const name of leaving) controllers.get(name)?.abort(name);
    expect([bulkhead.queued, clock.pending]).toEqual([staying.length, staying.length]);
    for (const _ of staying) bulkhead.leave();
    await settle(clock);
    expect(admitted).toEqual(staying);
    bulkhead.leave();
    expect([bulkhead.inFlight, bulkhead.queued, clock.pending]).toEqual([0, 0, 0]);
  });
});

test("who comes after the last has given up waits behind those before it", async () => {
  const { bulkhead, clock, admitted, wait } = createQueue();
  const controller = new AbortController();
  void wait("a");
  void wait("b", controller.signal);
  await settle(clock);
  controller.abort();
  void wait("c");
  bulkhead.leave();
  bulkhead.leave();
  await settle(clock);
  expect(admitted).toEqual(["a", "c"]);
});

test("ten thousand who give up in the middle leave nothing behind", async () => {
  const { bulkhead, clock, admitted, wait } = createQueue({ maxQueued: 20_000 });
  const controller = new AbortController();
  void wait("first");
  for (let i = 0; i < 10_000; i++) void wait("gone", controller.signal);
  void wait("last");
  await settle(clock);
  expect([bulkhead.queued, listeners(controller.signal)]).toEqual([10_002, 1]);
  controller.abort();
  expect([bulkhead.queued, listeners(controller.signal), clock.pending]).toEqual([2, 0, 2]);
  bulkhead.leave();
  bulkhead.leave();
  await settle(clock);
  expect(admitted).toEqual(["first", "last"]);
});

test("wrong options are refused by name", () => {
  const create = (options: object) => (): unknown => createBulkhead(options);
  expect(create({ maxInFlight: 0 })).toThrow(/maxInFlight must be an integer of at least 1/);
  expect(create({ maxInFlight: 1.5 })).toThrow(/maxInFlight must be an integer/);
  expect(create({ maxQueued: -1 })).toThrow(/maxQueued must be an integer of at least 0/);
  expect(create({ maxQueued: undefined })).toThrow(/maxQueued must be an integer/);
  expect(create({ queueTimeoutMs: 0 })).toThrow(/queueTimeoutMs must be a positive number/);
  expect(create({ clock: {} })).toThrow(/clock must be an object with now/);
  expect(create({ pool: "" })).toThrow(/pool must be a non-empty string/);
});

test("a controller is not its signal", async () => {
  const { bulkhead } = createBulkhead();
  const entering = bulkhead.enter({ signal: new AbortController() as never });
  await expect(entering).rejects.toThrow(/signal must be an AbortSignal/);
});

/** What a bulkhead should do, in the plainest words: lists and searches. */
class Model {
  inFlight = 0;
  queue: { readonly name: number; readonly dueMs: number }[] = [];
  readonly results = new Map<number, string>();

  readonly maxInFlight: number;
  readonly maxQueued: number;
  readonly queueTimeoutMs: number;

  constructor(maxInFlight: number, maxQueued: number, queueTimeoutMs: number) {
    this.maxInFlight = maxInFlight;
    this.maxQueued = maxQueued;
    this.queueTimeoutMs = queueTimeoutMs;
  }

  tryEnter(): boolean {
    if (this.inFlight === this.maxInFlight) return false;
    this.inFlight++;
    return true;
  }

  enter(name: number, nowMs: number): void {
    if (this.tryEnter()) this.results.set(name, "entered");
    else if (this.queue.length === this.maxQueued) this.results.set(name, "full");
    else this.queue.push({ name, dueMs: nowMs + this.queueTimeoutMs });
  }

  leave(): void {
    const first = this.queue.shift();
    if (first === undefined) this.inFlight--;
    else this.results.set(first.name, "entered");
  }

  abort(name: number): void {
    if (!this.queue.some((waiter) => waiter.name === name)) return;
    this.queue = this.queue.filter((waiter) => waiter.name !== name);
    this.results.set(name, "aborted");
  }

  pass(nowMs: number): void {
    for (const { name, dueMs } of this.queue) if (dueMs <= nowMs) this.results.set(name, "late");
    this.queue = this.queue.filter(({ dueMs }) => dueMs > nowMs);
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("enter" as const), hasSignal: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("tryEnter" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("leave" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("abort" as const), whom: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(150) }) },
);

function resultOf(error: unknown): string {
  if (error === "the caller gave up") return "aborted";
  if (!isHeadroomError(error, "LB_OVERLOADED")) return String(error);
  return error.message.includes("no room within") ? "late" : "full";
}

test("whatever happens, it does what the model does", async () => {
  const limits = fc.record({
    maxInFlight: fc.integer({ min: 1, max: 4 }),
    maxQueued: fc.integer({ min: 0, max: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(
      limits,
      fc.array(step, { maxLength: 60, size: "max" }),
      async (sizes, steps) => {
        const { bulkhead, clock, rejections } = createBulkhead({ ...sizes, queueTimeoutMs: 200 });
        const model = new Model(sizes.maxInFlight, sizes.maxQueued, 200);
        const results = new Map<number, string>();
        const controllers: (AbortController | undefined)[] = [];
        for (const each of steps) {
          switch (each.do) {
            case "tryEnter":
              expect(bulkhead.tryEnter()).toBe(model.tryEnter());
              break;
            case "enter": {
              const name = controllers.length;
              const controller = each.hasSignal ? new AbortController() : undefined;
              controllers.push(controller);
              model.enter(name, clock.monotonicNow());
              void bulkhead.enter({ signal: controller?.signal }).then(
                () => results.set(name, "entered"),
                (error: unknown) => results.set(name, resultOf(error)),
              );
              break;
            }
            case "leave":
              if (model.inFlight === 0) continue;
              model.leave();
              bulkhead.leave();
              break;
            case "abort": {
              // One who waits, or one who has had an answer: that one changes nothing.
              const names = [...model.queue.map(({ name }) => name), ...model.results.keys()];
              const name = names[each.whom % Math.min(names.length, model.queue.length + 1)] ?? -1;
              const controller = controllers[name];
              if (controller === undefined || controller.signal.aborted) continue;
              model.abort(name);
              controller.abort("the caller gave up");
              break;
            }
            case "wait":
              await clock.advance(each.ms);
              model.pass(clock.monotonicNow());
              break;
          }
          expect([bulkhead.inFlight, bulkhead.queued]).toEqual([
            model.inFlight,
            model.queue.length,
          ]);
          expect(bulkhead.inFlight).toBeLessThanOrEqual(sizes.maxInFlight);
          if (bulkhead.queued > 0) expect(bulkhead.inFlight).toBe(sizes.maxInFlight);
          expect(clock.pending).toBe(bulkhead.queued);
        }
        await settle(clock);
        expect(results).toEqual(model.results);
        const turnedAway = [...results.values()].filter(
          (each) => each === "full" || each === "late",
        );
        expect(rejections).toHaveLength(turnedAway.length);
        while (bulkhead.inFlight > 0) bulkhead.leave();
        expect([bulkhead.queued, clock.pending]).toEqual([0, 0]);
        for (const controller of controllers) {
          if (controller !== undefined) expect(listeners(controller.signal)).toBe(0);
        }
      },
    ),
    { numRuns: 300 },
  );
});
