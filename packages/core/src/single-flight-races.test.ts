import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Flight, SingleFlight } from "./single-flight.ts";
import { createManualClock } from "./testing.ts";

describe("however reads, writes and the ends of loads interleave", () => {
  type Flights = Pick<SingleFlight<string, number>, "run" | "forget">;

  /**
   * A read-through cache over one row with a version. Each action, and the end of each load, is a
   * task whose turn the scheduler chooses; the promise that fails is the property.
   */
  async function play(
    scheduler: fc.Scheduler,
    actions: readonly ("read" | "write")[],
    flights: Flights,
  ): Promise<void> {
    let version = 0;
    let cached: number | undefined;
    let loadsSinceWrite = 0;
    const load = async (flight: Flight): Promise<number> => {
      const writtenBefore = version;
      loadsSinceWrite++;
      expect(loadsSinceWrite, "loads of one version at a time").toBe(1);
      await scheduler.schedule(Promise.resolve(), "load ends");
      if (writtenBefore === version) loadsSinceWrite--;
      if (flight.isCurrent()) cached = writtenBefore;
      return writtenBefore;
    };
    const read = async (): Promise<void> => {
      const atStart = version;
      const value = cached ?? (await flights.run("row", load));
      expect(value, "the version a read sees").toBeGreaterThanOrEqual(atStart);
    };
    const write = (): void => {
      version++;
      loadsSinceWrite = 0;
      cached = undefined;
      flights.forget("row");
    };
    const played = actions.map(async (action, index) => {
      await scheduler.schedule(Promise.resolve(), `${action} ${index}`);
      await (action === "read" ? read() : write());
    });
    await scheduler.waitFor(Promise.all(played));
    expect([undefined, version], "the version in the cache").toContain(cached);
  }

  const property = (createFlights: () => Flights): fc.IAsyncProperty<unknown> =>
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom("read" as const, "write" as const), { maxLength: 8 }),
      (scheduler, actions) => play(scheduler, actions, createFlights()),
    );

  test("no read is stale, the cache is not, and no version is loaded twice at a time", async () => {
    const clock = createManualClock();
    await fc.assert(
      property(() => new SingleFlight({ clock })),
      { numRuns: 1_000 },
    );
  });

  test("callers that abort disturb nobody, and the load ends when none is left", async () => {
    const abort = fc.constantFrom("aborts", "stays", "has no signal");
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(abort, { minLength: 1, maxLength: 6 }),
        async (scheduler, callers) => {
          const flights = new SingleFlight<string, string>({ clock: createManualClock() });
          const load = async ({ signal }: Flight): Promise<string> => {
            await scheduler.schedule(Promise.resolve(), "load ends");
            return signal.aborted ? "aborted" : "value";
          };
          const results = callers.map(async (caller, index) => {
            const controller = new AbortController();
            const signal = caller === "has no signal" ? undefined : controller.signal;
            await scheduler.schedule(Promise.resolve(), `caller ${index} comes`);
            const result = flights.run("a", load, { signal }).catch((error) => error);
            if (caller !== "aborts") return expect(await result).toBe("value");
            await scheduler.schedule(Promise.resolve(), `caller ${index} leaves`);
            controller.abort(index);
            expect(["value", index]).toContain(await result);
          });
          await scheduler.waitFor(Promise.all(results));
          expect(flights.size).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  /** The usual single flight, with one thing wrong. */
  function brokenFlights(wrong: "frees by key" | "always current" | "never forgets"): Flights {
    const current = new Map<string, Promise<number>>();
    return {
      run(key, load) {
        const running = current.get(key);
        if (running !== undefined) return running;
        const isCurrent = (): boolean => wrong === "always current" || current.get(key) === promise;
        const promise = Promise.resolve()
          .then(() => load({ signal: new AbortController().signal, isCurrent }))
          .finally(() => {
            if (wrong === "frees by key" || current.get(key) === promise) current.delete(key);
          });
        current.set(key, promise);
        return promise;
      },
      forget: (key) => wrong !== "never forgets" && current.delete(key),
    };
  }

  test.each([
    ["frees by key", "loads of one version at a time"],
    ["always current", "the version"],
    ["never forgets", "the version"],
  ] as const)("the property catches a single flight that %s", async (wrong, complaint) => {
    const details = await fc.check(
      property(() => brokenFlights(wrong)),
      { numRuns: 1_000 },
    );
    expect(details.failed).toBe(true);
    expect(String(details.errorInstance)).toContain(complaint);
  });
});
