import { EventEmitter } from "node:events";
import { type Random, seededRandom } from "@headroom/core/random";
import { createManualClock } from "@headroom/core/testing";
import { describe, expect, test } from "vitest";
import { ConnectionPool } from "./connection-pool.ts";
import { type ConnectionPoolOptions, connectionPoolRules } from "./connection-pool-options.ts";

const never = new Promise<never>(() => {});
const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error) => error);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A connection to nothing, that notes what is done with it. */
class Line extends EventEmitter {
  readonly number: number;
  users = 0;
  destroyed = 0;

  constructor(number: number) {
    super();
    this.number = number;
  }
}

type Options = ConnectionPoolOptions<string, Line>;

function start(options: Partial<Options> = {}) {
  const clock = createManualClock();
  const lines: Line[] = [];
  const state = { creates: 0 };
  const open = async (): Promise<Line> => {
    const line = new Line(lines.length);
    lines.push(line);
    return line;
  };
  const create: Options["create"] = (address, signal) => {
    state.creates++;
    return (options.create ?? open)(address, signal);
  };
  const destroy = (line: Line): unknown => {
    line.destroyed++;
    return options.destroy?.(line);
  };
  const rules = connectionPoolRules({ ...options, create, destroy });
  const pool = new ConnectionPool("10.0.0.1:25", "smtp://10.0.0.1", rules, { name: "mail", clock });
  const { signal } = new AbortController();
  return {
    pool,
    clock,
    lines,
    state,
    open,
    use: <R>(work: (line: Line) => R | PromiseLike<R>, given = signal) => pool.use(work, given),
  };
}

const number = (line: Line): number => line.number;

describe("a connection", () => {
  test("is opened for the address when it is first needed, and used again", async () => {
    const addresses: string[] = [];
    const { use, state, pool } = start({
      create: async (address) => {
        addresses.push(address);
        return new Line(7);
      },
    });
    expect(state.creates).toBe(0);
    expect([await use(number), await use(number)]).toEqual([7, 7]);
    expect(addresses).toEqual(["smtp://10.0.0.1"]);
    expect(pool.stats).toEqual({ open: 1, inUse: 0, waiting: 0 });
  });

  test("belongs to one piece of work at a time, and there are no more than max", async () => {
    const { use, clock, lines, pool } = start({ max: 3, acquireTimeoutMs: 60_000 });
    const work = async (line: Line): Promise<void> => {
      expect(++line.users).toBe(1);
      await clock.sleep(10);
      line.users--;
    };
    const all = Promise.all(Array.from({ length: 20 }, () => use(work)));
    await clock.advance(5);
    expect(pool.stats).toEqual({ open: 3, inUse: 3, waiting: 17 });
    await clock.advance(100);
    await all;
    expect(lines).toHaveLength(3);
  });

  test("used last is the next to be used, so that those not needed become idle", async () => {
    const { use, clock } = start();
    const used: number[] = [];
    const work = async (line: Line, ms: number): Promise<void> => {
      used.push(line.number);
      await clock.sleep(ms);
    };
    const both = [use((line) => work(line, 10)), use((line) => work(line, 20))];
    await clock.advance(20);
    await Promise.all(both);
    for (let i = 0; i < 3; i++) await use((line) => void used.push(line.number));
    expect(used[0]).not.toBe(used[1]);
    expect(new Set(used.slice(1)).size).toBe(1);
  });

  test("whose work failed is closed, and the next work gets another", async () => {
    const { use, lines } = start();
    const failure = new Error("protocol error");
    expect(await outcome(use(() => Promise.reject(failure)))).toBe(failure);
    expect(await use(number)).toBe(1);
    expect(lines.map(({ destroyed }) => destroyed)).toEqual([1, 0]);
  });

  test("is kept after an error that isBroken knows to be harmless", async () => {
    const { use, lines } = start({ isBroken: (error) => error !== "550 no such user" });
    expect(await outcome(use(() => Promise.reject("550 no such user")))).toBe("550 no such user");
    expect(await use(number)).toBe(0);
    await outcome(use(() => Promise.reject("421 closing")));
    expect(lines[0]?.destroyed).toBe(1);
  });

  test("whose work throws at once is closed too", async () => {
    const { use, lines, pool } = start();
    const work = (): never => {
      throw new Error("typo");
    };
    await expect(use(work)).rejects.toThrow("typo");
    expect(lines[0]?.destroyed).toBe(1);
    expect(pool.stats).toEqual({ open: 0, inUse: 0, waiting: 0 });
  });

  test("may be any value, also the same one twice", async () => {
    const clock = createManualClock();
    const rules = connectionPoolRules<string, string>({
      create: async () => "a token",
      destroy: () => {},
    });
    const pool = new ConnectionPool("a", "a", rules, { name: "default", clock });
    const { signal } = new AbortController();
    const two = [1, 2].map(() => pool.use(async (token) => token, signal));
    expect(await Promise.all(two)).toEqual(["a token", "a token"]);
    await pool.close();
  });
});

describe("a connection that cannot be opened", () => {
  test("is one failure for one who asked, not a loop that nobody hears of", async () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    const { use, state, pool } = start({ create: () => Promise.reject(refused) });
    const error = await outcome(use(number));
    expect(error).toMatchObject({
      code: "LB_UPSTREAM",
      message: 'load balancer "mail" could not open a connection to 10.0.0.1:25',
      pool: "mail",
      target: "10.0.0.1:25",
      cause: refused,
    });
    await turn();
    expect(state.creates).toBe(1);
    expect(pool.stats).toEqual({ open: 0, inUse: 0, waiting: 0 });
  });

  test("is as many failures as there are who asked", async () => {
    const { use, state } = start({ create: () => Promise.reject(new Error("refused")), max: 4 });
    const errors = await Promise.all(Array.from({ length: 50 }, () => outcome(use(number))));
    expect(new Set(errors.map((error) => (error as { code: string }).code))).toEqual(
      new Set(["LB_UPSTREAM"]),
    );
    expect(state.creates).toBe(50);
  });

  test("because create throws is no other case", async () => {
    const { use } = start({
      create: () => {
        throw new Error("typo");
      },
    });
    expect(await outcome(use(number))).toMatchObject({
      code: "LB_UPSTREAM",
      cause: new Error("typo"),
    });
  });

  test("in time fails, is aborted, and is closed when it comes after all", async () => {
    const line = new Line(0);
    let signal: AbortSignal | undefined;
    let arrive: ((line: Line) => void) | undefined;
    const { use, clock, pool } = start({
      connectTimeoutMs: 500,
      create: (_address, given) => {
        signal = given;
        return new Promise((resolve) => {
          arrive = resolve;
        });
      },
    });
    const used = outcome(use(number));
    await clock.advance(500);
    expect(await used).toMatchObject({
      code: "LB_UPSTREAM",
      cause: { code: "DEADLINE_EXCEEDED", what: "connecting to 10.0.0.1:25" },
    });
    expect(signal?.aborted).toBe(true);
    arrive?.(line);
    await turn();
    expect(line.destroyed).toBe(1);
    expect(pool.stats.open).toBe(0);
  });

  test("to be kept ready does not fail who asks later, when it can be opened again", async () => {
    let isDown = true;
    const { use, state, lines, open } = start({
      min: 2,
      create: () => (isDown ? Promise.reject(new Error("refused")) : open()),
    });
    expect(await outcome(use(number))).toMatchObject({ code: "LB_UPSTREAM" });
    await turn();
    const whileDown = state.creates;
    expect(whileDown).toBeLessThan(6);
    isDown = false;
    expect(await use(number)).toBe(0);
    expect(lines.length).toBeLessThanOrEqual(2);
  });
});

describe("who waits for a connection", () => {
  test("is turned away when all stay in use, and learns why", async () => {
    const { use, clock } = start({ max: 2, acquireTimeoutMs: 300 });
    const busy = [use(() => clock.sleep(1_000)), use(() => clock.sleep(1_000))];
    await clock.advance(1);
    const waiting = outcome(use(number));
    await clock.advance(300);
    expect(await waiting).toMatchObject({
      code: "LB_OVERLOADED",
      target: "10.0.0.1:25",
      message: expect.stringContaining("all 2 connections to 10.0.0.1:25 are in use"),
    });
    await clock.advance(1_000);
    await Promise.all(busy);
    expect(await use(number)).toBeTypeOf("number");
  });

  test("is turned away at once when too many wait already", async () => {
    const { use, clock } = start({ max: 1, maxWaiting: 1, acquireTimeoutMs: 300 });
    const busy = use(() => clock.sleep(100));
    await turn();
    const waiting = use(number);
    expect(await outcome(use(number))).toMatchObject({ code: "LB_OVERLOADED" });
    await clock.advance(100);
    await busy;
    expect(await waiting).toBe(0);
  });

  test("and gives up leaves no trace: the connection is for the next", async () => {
    const { use, clock, lines } = start({ max: 1 });
    const busy = use(() => clock.sleep(100));
    await turn();
    const caller = new AbortController();
    const gone = outcome(use(number, caller.signal));
    const next = use(number);
    caller.abort("gone");
    expect(await gone).toBe("gone");
    await clock.advance(100);
    await busy;
    expect(await next).toBe(0);
    expect(lines).toHaveLength(1);
  });

  test("and gives up while one is opened for it leaves that to the next", async () => {
    let arrive: ((line: Line) => void) | undefined;
    const { use, state, pool } = start({
      create: () =>
        new Promise((resolve) => {
          arrive = resolve;
        }),
    });
    const caller = new AbortController();
    const gone = outcome(use(number, caller.signal));
    await turn();
    caller.abort("gone");
    expect(await gone).toBe("gone");
    const line = new Line(5);
    arrive?.(line);
    await turn();
    expect(pool.stats).toEqual({ open: 1, inUse: 0, waiting: 0 });
    expect(await use(number)).toBe(5);
    expect(state.creates).toBe(1);
  });

  test("does not even begin when its signal has aborted", async () => {
    const { use, state } = start();
    expect(await outcome(use(number, AbortSignal.abort("gone")))).toBe("gone");
    expect(state.creates).toBe(0);
  });
});

describe("work that is given up", () => {
  test("loses its connection at once, though it goes on", async () => {
    const { use, lines, pool } = start({ max: 1 });
    const caller = new AbortController();
    const used = outcome(use(() => never, caller.signal));
    await turn();
    caller.abort("too slow");
    expect(await used).toBe("too slow");
    expect(lines[0]?.destroyed).toBe(1);
    await turn();
    expect(pool.stats).toEqual({ open: 0, inUse: 0, waiting: 0 });
    expect(await use(number)).toBe(1);
  });

  test("loses it also when isBroken would keep it: nobody knows how far it has got", async () => {
    const { use, lines } = start({ isBroken: () => false });
    const caller = new AbortController();
    const used = outcome(use(() => never, caller.signal));
    await turn();
    caller.abort("too slow");
    await used;
    expect(lines[0]?.destroyed).toBe(1);
  });

  test("is no unhandled rejection when it fails later", async () => {
    const { use } = start();
    const caller = new AbortController();
    let fail: ((error: Error) => void) | undefined;
    const work = () =>
      new Promise<never>((_resolve, reject) => {
        fail = reject;
      });
    const used = outcome(use(work, caller.signal));
    await turn();
    caller.abort("too slow");
    fail?.(new Error("the connection was closed"));
    expect(await used).toBe("too slow");
    await turn();
  });
});

describe("a connection that was used before", () => {
  test("is validated each time it is used again, and not when it is new", async () => {
    const validated: number[] = [];
    const { use } = start({
      validate: (line) => {
        validated.push(line.number);
        return true;
      },
    });
    for (let i = 0; i < 3; i++) await use(number);
    expect(validated).toEqual([0, 0]);
  });

  const refusals: [what: string, validate: Options["validate"]][] = [
    ["answers false", () => false],
    ["resolves with false", async () => false],
    ["rejects", () => Promise.reject(new Error("reset"))],
    [
      "throws",
      () => {
        throw new Error("typo");
      },
    ],
    ["hangs", () => never],
  ];
  test.each(refusals)("is closed and replaced when validate %s", async (_what, validate) => {
    const { use, clock, lines, pool } = start({ validate, max: 1, connectTimeoutMs: 500 });
    await use(number);
    const used = use(number);
    await clock.advance(500);
    expect(await used).toBe(1);
    expect(lines.map(({ destroyed }) => destroyed)).toEqual([1, 0]);
    expect(pool.stats).toEqual({ open: 1, inUse: 0, waiting: 0 });
  });

  test("is closed when its user gives up while it is validated", async () => {
    const { use, lines, pool } = start({ validate: () => never, max: 1 });
    await use(number);
    const caller = new AbortController();
    const used = outcome(use(number, caller.signal));
    await turn();
    caller.abort("gone");
    expect(await used).toBe("gone");
    expect(lines.map(({ destroyed }) => destroyed)).toEqual([1]);
    await turn();
    expect(pool.stats).toEqual({ open: 0, inUse: 0, waiting: 0 });
  });

  test.each(["error", "end", "close"])("is lost when it emits %s while idle", async (event) => {
    const { use, lines, pool } = start();
    await use(number);
    lines[0]?.emit(event, new Error("reset by peer"));
    expect(lines[0]?.destroyed).toBe(1);
    expect(await use(number)).toBe(1);
    expect(lines[0]?.destroyed).toBe(1);
    await turn();
    expect(pool.stats).toEqual({ open: 1, inUse: 0, waiting: 0 });
  });

  test("is not used again when it was lost while in use, though its work succeeded", async () => {
    const { use, lines } = start();
    await use((line) => void line.emit("end"));
    expect(lines[0]?.destroyed).toBe(1);
    expect(await use(number)).toBe(1);
  });
});

describe("closing", () => {
  test("closes what is idle, once each, and ends what is being opened for nobody", async () => {
    let opened = 0;
    const { use, clock, lines, pool, open } = start({
      create: () => (opened++ < 2 ? open() : never),
    });
    const both = [use(() => clock.sleep(10)), use(() => clock.sleep(10))];
    await clock.advance(10);
    await Promise.all(both);
    const caller = new AbortController();
    const three = [1, 2, 3].map(() => outcome(use(() => never, caller.signal)));
    await turn();
    caller.abort("gone");
    await Promise.all(three);
    await pool.close();
    await pool.close();
    expect(lines.map(({ destroyed }) => destroyed)).toEqual([1, 1]);
    expect(pool.stats).toEqual({ open: 0, inUse: 0, waiting: 0 });
    expect(clock.pending).toBe(0);
  });

  test("just when a connection is open leaves none behind", async () => {
    for (let microtasks = 0; microtasks < 16; microtasks++) {
      let arrive: ((line: Line) => void) | undefined;
      const { use, pool } = start({
        create: () =>
          new Promise((resolve) => {
            arrive = resolve;
          }),
      });
      const caller = new AbortController();
      const used = outcome(use(() => "done", caller.signal));
      await turn();
      const line = new Line(0);
      arrive?.(line);
      for (let i = 0; i < microtasks; i++) await undefined;
      caller.abort("gone");
      const closed = pool.close();
      await used;
      await closed;
      await turn();
      expect(line.destroyed, `after ${microtasks} microtasks`).toBe(1);
      expect(pool.stats.open).toBe(0);
    }
  });

  test("waits for a destroy that takes its time, but not for ever", async () => {
    const { use, clock, pool } = start({ destroy: () => never });
    await use(number);
    let isClosed = false;
    const closed = pool.close().then(() => {
      isClosed = true;
    });
    await clock.advance(4_999);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    await closed;
    expect(pool.stats.open).toBe(0);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("already closed");
      },
    ],
    ["rejects", () => Promise.reject(new Error("already closed"))],
  ])("survives a destroy that %s", async (_what, destroy) => {
    const { use, pool } = start({ destroy });
    await use(number);
    await expect(use(() => Promise.reject("broken"))).rejects.toBe("broken");
    expect(await use(number)).toBe(1);
    await pool.close();
    expect(pool.stats.open).toBe(0);
  });

  test("of a pool that was never used does nothing", async () => {
    const { pool, state } = start({ min: 3 });
    await pool.close();
    expect(state.creates).toBe(0);
  });
});

test("connections that nobody needs are closed, all but min", async () => {
  const { use, clock, lines, pool } = start({ min: 1, max: 5, idleTimeoutMs: 40 });
  const five = Array.from({ length: 5 }, () => use(() => clock.sleep(10)));
  await clock.advance(10);
  await Promise.all(five);
  expect(pool.stats.open).toBe(5);
  // The library's own timers: real time passes until it has looked.
  await expect.poll(() => lines.slice(0, 5).every(({ destroyed }) => destroyed === 1)).toBe(true);
  expect(pool.stats.open).toBe(1);
  await pool.close();
  expect(lines.every(({ destroyed }) => destroyed === 1)).toBe(true);
});

describe("whatever happens", () => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
  test.each(seeds)(
    "connections are used by one, closed once and never too many (seed %d)",
    async (seed) => {
      const random = seededRandom(seed);
      const max = 1 + Math.floor(random() * 4);
      const { use, clock, lines, pool, open } = start({
        max,
        min: Math.floor(random() * (max + 1)),
        acquireTimeoutMs: 50,
        connectTimeoutMs: 30,
        isBroken: () => random() < 0.5,
        validate: async () => {
          await clock.sleep(random() * 5);
          return random() < 0.9;
        },
        create: async () => {
          await clock.sleep(random() * 40);
          if (random() < 0.2) throw new Error("refused");
          return open();
        },
        destroy: () => clock.sleep(random() * 10),
      });
      let mostOpen = 0;
      const work = workOf(random, clock.sleep, () => {
        mostOpen = Math.max(mostOpen, lines.filter(({ destroyed }) => destroyed === 0).length);
      });
      const callers: AbortController[] = [];
      const ends: Promise<unknown>[] = [];
      for (let i = 0; i < 300; i++) {
        const caller = new AbortController();
        callers.push(caller);
        ends.push(outcome(use(work, caller.signal)));
        if (random() < 0.2) clock.timer(() => caller.abort("gone"), random() * 40);
        if (random() < 0.1) lines.at(-1)?.emit("close");
        await clock.advance(random() * 8);
      }
      // In the midst of it: connections are being opened, validated and closed.
      for (const caller of callers) caller.abort("closing");
      const results = await Promise.all(ends);
      const closed = pool.close();
      await clock.advance(10_000);
      await closed;
      expect(results.filter((result) => result === "done").length).toBeGreaterThan(30);
      expect(mostOpen).toBeLessThanOrEqual(max);
      expect(lines.filter(({ destroyed }) => destroyed !== 1)).toEqual([]);
      expect(pool.stats).toEqual({ open: 0, inUse: 0, waiting: 0 });
      expect(clock.pending).toBe(0);
    },
  );
});

/** Work that takes a while, fails now and then, and notices whether it is alone. */
function workOf(random: Random, sleep: (ms: number) => Promise<void>, look: () => void) {
  return async (line: Line): Promise<string> => {
    expect(line.destroyed).toBe(0);
    expect(++line.users).toBe(1);
    look();
    try {
      await sleep(random() * 20);
      if (random() < 0.2) throw new Error("failed");
      return "done";
    } finally {
      line.users--;
    }
  };
}
