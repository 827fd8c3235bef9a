import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { isHeadroomError } from "./errors.ts";
import { type Flight, SingleFlight } from "./single-flight.ts";
import { createManualClock } from "./testing.ts";

const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error) => error);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A load that ends when told to, and counts how often it was started. */
function controlledLoad() {
  const flights: { flight: Flight; resolve(value: string): void; reject(error: unknown): void }[] =
    [];
  const load = (flight: Flight): Promise<string> =>
    new Promise((resolve, reject) => flights.push({ flight, resolve, reject }));
  return { flights, load };
}

describe("callers of one key", () => {
  test("share one load and its result", async () => {
    const flights = new SingleFlight<string, string>();
    const { flights: started, load } = controlledLoad();
    const results = Array.from({ length: 1_000 }, () => flights.run("a", load));
    await turn();
    expect(started).toHaveLength(1);
    started[0]?.resolve("value");
    expect(new Set(await Promise.all(results))).toEqual(new Set(["value"]));
  });

  test("share its failure, once, instead of trying one after the other", async () => {
    const flights = new SingleFlight<string, string>();
    const error = new Error("the database is down");
    let calls = 0;
    const load = async (): Promise<string> => {
      calls++;
      throw error;
    };
    const results = Array.from({ length: 100 }, () => outcome(flights.run("a", load)));
    expect(new Set(await Promise.all(results))).toEqual(new Set([error]));
    expect(calls).toBe(1);
  });

  test("may load again as soon as they have the result", async () => {
    const flights = new SingleFlight<string, number>();
    let calls = 0;
    const load = async (): Promise<number> => ++calls;
    expect(await flights.run("a", load)).toBe(1);
    expect([flights.has("a"), flights.size]).toEqual([false, 0]);
    expect(await flights.run("a", load)).toBe(2);
  });

  test("get an error that is thrown before there is a promise as a rejection", async () => {
    const flights = new SingleFlight<string, string>();
    const load = (): Promise<string> => {
      throw new TypeError("not a function");
    };
    const [first, second] = [flights.run("a", load), flights.run("a", load)];
    await expect(first).rejects.toThrow("not a function");
    await expect(second).rejects.toThrow("not a function");
    expect(flights.size).toBe(0);
  });

  test("of different keys do not wait for each other, whatever a key is", async () => {
    const flights = new SingleFlight<unknown, number>();
    let calls = 0;
    const load = async (): Promise<number> => ++calls;
    const keys = [1, "1", Number.NaN, undefined, null, {}, {}, Symbol("1")];
    const once = keys.map((key) => flights.run(key, load));
    const twice = keys.map((key) => flights.run(key, load));
    expect(flights.size).toBe(keys.length);
    expect(await Promise.all(twice)).toEqual(await Promise.all(once));
    expect(calls).toBe(keys.length);
  });
});

describe("a caller that aborts", () => {
  test("leaves alone, with its own reason", async () => {
    const flights = new SingleFlight<string, string>();
    const { flights: started, load } = controlledLoad();
    const controller = new AbortController();
    const leaving = outcome(flights.run("a", load, { signal: controller.signal }));
    const staying = flights.run("a", load, { signal: new AbortController().signal });
    await turn();
    controller.abort("the client hung up");
    expect(await leaving).toBe("the client hung up");
    expect(started[0]?.flight.signal.aborted).toBe(false);
    started[0]?.resolve("value");
    expect(await staying).toBe("value");
    expect(started).toHaveLength(1);
  });

  test("does not end a load that somebody without a signal waits for", async () => {
    const flights = new SingleFlight<string, string>();
    const { flights: started, load } = controlledLoad();
    const controller = new AbortController();
    const staying = flights.run("a", load);
    const leaving = outcome(flights.run("a", load, { signal: controller.signal }));
    await turn();
    controller.abort();
    await leaving;
    expect(started[0]?.flight.signal.aborted).toBe(false);
    started[0]?.resolve("value");
    expect(await staying).toBe("value");
  });

  test("as the last one ends the load and frees the key", async () => {
    const flights = new SingleFlight<string, string>();
    const { flights: started, load } = controlledLoad();
    const controllers = [new AbortController(), new AbortController()];
    const leaving = controllers.map(({ signal }) => outcome(flights.run("a", load, { signal })));
    await turn();
    for (const [index, controller] of controllers.entries()) controller.abort(`reason ${index}`);
    expect(await Promise.all(leaving)).toEqual(["reason 0", "reason 1"]);
    expect(started[0]?.flight.signal.reason).toBe("reason 1");
    expect(started[0]?.flight.isCurrent()).toBe(false);

    const later = flights.run("a", load);
    await turn();
    started[0]?.resolve("of the abandoned load");
    started[1]?.resolve("fresh");
    expect(await later).toBe("fresh");
  });

  test("before the load begins spares it", async () => {
    const flights = new SingleFlight<string, string>();
    const { flights: started, load } = controlledLoad();
    const controller = new AbortController();
    const leaving = outcome(flights.run("a", load, { signal: controller.signal }));
    controller.abort("at once");
    expect(await leaving).toBe("at once");
    const aborted = AbortSignal.abort("even before");
    await expect(flights.run("a", load, { signal: aborted })).rejects.toBe("even before");
    await turn();
    expect([started.length, flights.size]).toEqual([0, 0]);
  });

  test("leaves no listener on its signal, however it ends", async () => {
    const flights = new SingleFlight<number, string>();
    const { signal } = new AbortController();
    for (let key = 0; key < 1_000; key++) {
      const load = async (): Promise<string> => {
        if (key % 2 === 0) throw new Error("failed");
        return "value";
      };
      await outcome(flights.run(key, load, { signal }));
    }
    await turn();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("a load that hangs", () => {
  test("fails for all who wait at the time limit and blocks its key no longer", async () => {
    const clock = createManualClock();
    const what = "loading a user";
    const flights = new SingleFlight<string, string>({ timeoutMs: 500, what, clock });
    const { flights: started, load } = controlledLoad();
    const waiting = [outcome(flights.run("a", load)), outcome(flights.run("a", load))];
    await clock.advance(500);
    for (const error of await Promise.all(waiting)) {
      expect(isHeadroomError(error, "DEADLINE_EXCEEDED")).toBe(true);
      expect(error).toMatchObject({ what, timeoutMs: 500 });
    }
    expect(started[0]?.flight.signal.aborted).toBe(true);

    const later = flights.run("a", load);
    await turn();
    started[0]?.resolve("of the load that hung");
    await turn();
    expect([started[0]?.flight.isCurrent(), flights.has("a")]).toEqual([false, true]);
    started[1]?.resolve("fresh");
    expect(await later).toBe("fresh");
    expect(clock.pending).toBe(0);
  });

  test("cannot be joined from the moment its signal aborts", async () => {
    const clock = createManualClock();
    const flights = new SingleFlight<string, string>({ timeoutMs: 500, clock });
    const seen: boolean[] = [];
    const load = ({ signal, isCurrent }: Flight): Promise<string> =>
      new Promise(() => {
        signal.addEventListener("abort", () => seen.push(flights.has("a"), isCurrent()));
      });
    const result = outcome(flights.run("a", load));
    await clock.advance(500);
    await result;
    expect(seen).toEqual([false, false]);
  });

  test("because it waits for itself ends at the time limit too", async () => {
    const clock = createManualClock();
    const flights = new SingleFlight<string, string>({ timeoutMs: 500, clock });
    const load = (): Promise<string> => flights.run("a", load);
    const result = outcome(flights.run("a", load));
    await clock.advance(500);
    expect(isHeadroomError(await result, "DEADLINE_EXCEEDED")).toBe(true);
  });
});

describe("a key that is forgotten during its load", () => {
  test("is loaded anew for later callers, while earlier ones keep their load", async () => {
    const flights = new SingleFlight<string, string>();
    const { flights: started, load } = controlledLoad();
    const before = flights.run("a", load);
    await turn();
    expect(flights.forget("a")).toBe(true);
    expect(flights.forget("a")).toBe(false);
    const after = flights.run("a", load);
    await turn();
    expect(started.map(({ flight }) => flight.isCurrent())).toEqual([false, true]);

    started[0]?.resolve("old");
    expect(await before).toBe("old");
    expect(flights.has("a")).toBe(true);
    const joining = flights.run("a", load);
    started[1]?.resolve("new");
    expect(await Promise.all([after, joining])).toEqual(["new", "new"]);
    expect(started).toHaveLength(2);
  });

  test("still ends the old load when its last caller leaves, and only that", async () => {
    const flights = new SingleFlight<string, string>();
    const { flights: started, load } = controlledLoad();
    const controller = new AbortController();
    const before = outcome(flights.run("a", load, { signal: controller.signal }));
    await turn();
    flights.forgetAll();
    const after = flights.run("a", load);
    await turn();
    controller.abort("gone");
    expect(await before).toBe("gone");
    expect(started.map(({ flight }) => flight.signal.aborted)).toEqual([true, false]);
    expect(flights.has("a")).toBe(true);
    started[1]?.resolve("new");
    expect(await after).toBe("new");
  });
});

test("a load may return its value without a promise", async () => {
  expect(await new SingleFlight<string, number>().run("a", () => 42)).toBe(42);
});

test("wrong options are refused", () => {
  const clock = { clock: Date as never };
  expect(() => new SingleFlight(clock)).toThrow(/clock must be an object with/);
  expect(() => new SingleFlight({ what: 5 as never })).toThrow(/what must be a non-empty string/);
  const controller = { signal: new AbortController() as never };
  expect(() => new SingleFlight().run("a", async () => 1, controller)).toThrow(/AbortSignal/);
  expect(() => new SingleFlight({ timeoutMs: 0 })).toThrow(RangeError);
  expect(() => new SingleFlight({ timeout: 5 } as object)).toThrow('did you mean "timeoutMs"?');
});
