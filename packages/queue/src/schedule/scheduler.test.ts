import { queueTick } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";
import { seededRandom } from "@headroom/core/random";
import { createManualClock, type ManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { NewJob, QueueSettings } from "../driver.ts";
import type { Schedules } from "../driver-powers.ts";
import { intervalTicks } from "./interval-ticks.ts";
import { Scheduler } from "./scheduler.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const queue: QueueSettings = {
  name: "reports",
  maxBacklog: undefined,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
};

function jobOf(tickMs: number): NewJob {
  return {
    id: String(tickMs),
    mayExist: false,
    name: "reports",
    body: "1",
    headers: {},
    delayMs: 0,
    priority: 0,
    maxAttempts: 1,
    key: undefined,
    dedup: undefined,
    parent: undefined,
  };
}

/** A server with its own clock, which keeps what it was told and can be away. */
class Server implements Schedules {
  readonly fired: number[] = [];
  readonly firedAtMs: number[] = [];
  readonly last = new Map<string, number>();
  asked = 0;
  isAway = false;
  aheadMs = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get nowMs(): number {
    return Date.UTC(2026, 0) + this.#clock.monotonicNow() + this.aheadMs;
  }

  async fire(
    _queue: QueueSettings,
    schedule: string,
    tickMs: number,
    job: NewJob,
  ): ReturnType<Schedules["fire"]> {
    this.#answer();
    if (tickMs > this.nowMs) return { outcome: "early", inMs: tickMs - this.nowMs };
    if (tickMs <= (this.last.get(schedule) ?? 0)) return { outcome: "already" };
    this.last.set(schedule, tickMs);
    this.fired.push(Number(job.id));
    this.firedAtMs.push(this.nowMs);
    return { outcome: "fired" };
  }

  async begin(
    _queue: QueueSettings,
    schedule: string,
  ): Promise<{ lastTickMs: number; nowMs: number }> {
    this.#answer();
    const lastTickMs = this.last.get(schedule) ?? this.nowMs;
    this.last.set(schedule, lastTickMs);
    return { lastTickMs, nowMs: this.nowMs };
  }

  async forget(_queue: QueueSettings, schedule: string): Promise<void> {
    this.#answer();
    this.last.delete(schedule);
  }

  #answer(): void {
    this.asked++;
    if (this.isAway) throw new Error("away");
  }
}

/** The clock of a machine that runs at another speed: its second lasts `1 / speed` of ours. */
function drifting(clock: ManualClock, speed: number): Clock {
  const drifted: Clock = {
    now: () => 0, // of no use to anybody
    monotonicNow: () => clock.monotonicNow() * speed,
    timer: (callback, delayMs) => clock.timer(callback, delayMs / speed),
    sleep: (delayMs, options) => clock.sleep(delayMs / speed, options),
  };
  return drifted;
}

let clock: ManualClock;
let server: Server;
let schedulers: Scheduler[];
const outcomes: string[] = [];
let unsubscribe = (): void => {};

beforeEach(() => {
  clock = createManualClock();
  server = new Server(clock);
  schedulers = [];
  outcomes.length = 0;
  unsubscribe = queueTick.subscribe(({ outcome }) => void outcomes.push(outcome));
});

afterEach(async () => {
  unsubscribe();
  await Promise.all(schedulers.map((scheduler) => scheduler.close()));
  expect(clock.pending).toBe(0);
});

/** A process that has the schedule. */
function start(
  everyMs: number,
  options: { own?: Clock; catchUpMs?: number; job?: typeof jobOf; name?: string } = {},
): Scheduler {
  const { own = clock, catchUpMs = HOUR_MS, job = jobOf, name = "hourly" } = options;
  const scheduler = new Scheduler({
    schedules: server,
    system: "memory",
    clock: own,
    random: seededRandom(schedulers.length),
  });
  schedulers.push(scheduler);
  scheduler.start(queue, { name, ticks: intervalTicks(everyMs), catchUpMs }, job);
  return scheduler;
}

const tick = (number: number, everyMs = HOUR_MS): number => Date.UTC(2026, 0) + number * everyMs;

test("each tick is fired once by all processes together, on time", async () => {
  for (let process = 0; process < 5; process++) start(HOUR_MS);
  await clock.advance(3 * HOUR_MS);
  expect(server.fired).toEqual([tick(1), tick(2), tick(3)]);
  expect(server.firedAtMs).toEqual(server.fired);
  expect(outcomes.filter((outcome) => outcome === "fired")).toHaveLength(3);
  expect(new Set(outcomes)).toEqual(new Set(["fired", "already"]));
});

test("clocks that run fast or slow fire at the server's time", async () => {
  server.aheadMs = 5 * 24 * HOUR_MS; // and nobody here knows
  start(HOUR_MS, { own: drifting(clock, 1.001) });
  start(HOUR_MS, { own: drifting(clock, 0.999) });
  await clock.advance(48 * HOUR_MS + 1_000);
  expect(server.fired).toHaveLength(48);
  const lateMs = server.fired.map((at, index) => (server.firedAtMs[index] ?? 0) - at);
  expect(Math.max(...lateMs)).toBeLessThanOrEqual(80);
  expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0);
});

test("the slow one alone is late by what its clock loses between two questions", async () => {
  start(HOUR_MS, { own: drifting(clock, 0.99) });
  await clock.advance(24 * HOUR_MS + 1_000);
  expect(server.fired).toHaveLength(24);
  const lateMs = server.fired.map((at, index) => (server.firedAtMs[index] ?? 0) - at);
  expect(Math.max(...lateMs)).toBeLessThanOrEqual(1_350);
});

test("after an outage the last tick is made good, those before it are not", async () => {
  start(MINUTE_MS);
  await clock.advance(90_000);
  server.isAway = true;
  await clock.advance(5 * MINUTE_MS);
  server.isAway = false;
  const backMs = server.nowMs;
  await clock.advance(2_000);
  expect(server.fired).toEqual([tick(1, MINUTE_MS), tick(6, MINUTE_MS)]);
  expect((server.firedAtMs[1] ?? 0) - backMs).toBeLessThanOrEqual(2_000);
  await clock.advance(MINUTE_MS);
  expect(server.fired.at(-1)).toBe(tick(7, MINUTE_MS));
  expect(outcomes).toContain("failed");
});

test("what all processes have slept through is made good within catchUpMs, and not later", async () => {
  const first = start(HOUR_MS);
  await clock.advance(HOUR_MS);
  await first.close();
  await clock.advance(3.5 * HOUR_MS);
  const second = start(HOUR_MS, { catchUpMs: 0 });
  await clock.advance(1);
  expect(server.fired).toEqual([tick(1)]);
  expect(outcomes.at(-1)).toBe("missed");
  await second.close();
  start(HOUR_MS);
  await clock.advance(1);
  expect(server.fired).toEqual([tick(1), tick(4)]);
});

test("a new schedule does not make good what was before it", async () => {
  await clock.advance(1.5 * HOUR_MS);
  start(HOUR_MS);
  await clock.advance(1);
  expect(server.fired).toEqual([]);
  await clock.advance(HOUR_MS);
  expect(server.fired).toEqual([tick(2)]);
});

test("it takes few questions to wait long: one a minute, however many schedules", async () => {
  const scheduler = start(24 * HOUR_MS);
  for (let number = 0; number < 50; number++) {
    const rules = {
      name: `s${number}`,
      ticks: intervalTicks(24 * HOUR_MS),
      catchUpMs: 0,
    };
    scheduler.start(queue, rules, jobOf);
  }
  await clock.advance(1);
  expect(server.asked).toBe(51);
  await clock.advance(20 * MINUTE_MS);
  expect(server.asked).toBeLessThanOrEqual(51 + 20);
});

test("data that cannot be made cost their tick and no other", async () => {
  start(HOUR_MS, {
    job: (tickMs) => {
      if (tickMs === tick(1)) throw new Error("no data yet");
      return jobOf(tickMs);
    },
  });
  await clock.advance(2 * HOUR_MS);
  expect(server.fired).toEqual([tick(2)]);
  expect(outcomes).toEqual(["invalid", "fired"]);
});

test("unscheduled, it fires no more and is forgotten", async () => {
  const scheduler = start(HOUR_MS);
  await clock.advance(1);
  await scheduler.stop(queue, "hourly");
  expect(server.last.size).toBe(0);
  await clock.advance(3 * HOUR_MS);
  expect(server.fired).toEqual([]);
});

test("given again, the new one takes the old one's place", async () => {
  const scheduler = start(HOUR_MS);
  await clock.advance(1);
  scheduler.start(
    queue,
    { name: "hourly", ticks: intervalTicks(2 * HOUR_MS), catchUpMs: 0 },
    jobOf,
  );
  await clock.advance(4 * HOUR_MS);
  expect(server.fired).toEqual([tick(2), tick(4)]);
});

test("a server whose clock is set forth or back fires no tick twice", async () => {
  start(MINUTE_MS);
  await clock.advance(2 * MINUTE_MS);
  server.aheadMs = -30_000;
  await clock.advance(3 * MINUTE_MS);
  server.aheadMs = 10 * MINUTE_MS;
  await clock.advance(3 * MINUTE_MS);
  expect(server.fired).toEqual([...new Set(server.fired)].sort((a, b) => a - b));
  expect(server.fired.at(-1)).toBe(tick(18, MINUTE_MS));
});

test("whatever is away and whoever dies: no tick twice, none early, none missed while there is time", async () => {
  const turn = fc.record({
    what: fc.constantFrom("start", "kill", "away", "back"),
    afterMs: fc.integer({ min: 0, max: 3 * MINUTE_MS }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { maxLength: 20 }), async (turns) => {
      clock = createManualClock();
      server = new Server(clock);
      const living = [start(MINUTE_MS)];
      await clock.advance(1);
      for (const { what, afterMs } of turns) {
        if (what === "start") living.push(start(MINUTE_MS));
        if (what === "kill") await living.shift()?.close();
        if (what === "away") server.isAway = true;
        if (what === "back") server.isAway = false;
        await clock.advance(afterMs);
      }
      server.isAway = false;
      living.push(start(MINUTE_MS));
      await clock.advance(5_000);
      const lastTick = Math.floor(server.nowMs / MINUTE_MS) * MINUTE_MS;
      expect(server.fired).toEqual([...new Set(server.fired)].sort((a, b) => a - b));
      expect(server.fired.every((at, index) => (server.firedAtMs[index] ?? 0) >= at)).toBe(true);
      if (lastTick > tick(0)) expect(server.fired.at(-1)).toBe(lastTick);
      await Promise.all(schedulers.map((scheduler) => scheduler.close()));
    }),
    { numRuns: 60 },
  );
});
