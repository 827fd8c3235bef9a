import { execFile } from "node:child_process";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { HeadroomError, isHeadroomError } from "./errors.ts";

const CANARY = "c4n4ry-hunter2";

class PoolFullError extends HeadroomError<"POOL_FULL"> {
  readonly pool: string;
  readonly limit: number;
  constructor(pool: string, limit: number) {
    super("POOL_FULL", `pool "${pool}" lent all ${limit} connections`, { retryable: true });
    this.pool = pool;
    this.limit = limit;
  }
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** As ioredis makes it: the whole command hangs on the error. */
const replyError = Object.assign(new Error("READONLY You can't write against a replica."), {
  name: "ReplyError",
  command: { name: "set", args: ["session:1", CANARY] },
});
const urlError = thrownBy(() => new URL(`redis://:${CANARY}@cache:port`));

/** Every way in which a logger may look at an error. */
function allTextsOf(error: unknown): string {
  return [
    inspect(error, { depth: 10 }),
    inspect(error, { depth: 10, showHidden: true, getters: false }),
    inspect(error, { depth: 10, customInspect: false, showHidden: true }),
    inspect({ wrapped: [error] }, { depth: 10 }),
    inspect(new Error("outer", { cause: error }), { depth: 10 }),
    JSON.stringify(error),
    JSON.stringify({ ...(error as object) }),
    String(error),
    (error as Error).stack,
  ].join("\n");
}

describe("a Headroom error", () => {
  test("is an Error with code, retryable and data of its own", () => {
    const error = new PoolFullError("orders", 10);
    expect(error).toBeInstanceOf(Error);
    expect({ ...error }).toEqual({ code: "POOL_FULL", retryable: true, pool: "orders", limit: 10 });
    expect(String(error)).toBe('HeadroomError: pool "orders" lent all 10 connections');
    expect(error.stack).toContain("errors.test.ts");
  });

  test("is not retryable unless it says so, and has no cause unless given one", () => {
    const error = new HeadroomError("BROKEN", "it broke");
    expect(error.retryable).toBe(false);
    expect("cause" in error).toBe(false);
  });

  test("keeps its cause as it is for the code that handles it", () => {
    expect(new HeadroomError("A", "a", { cause: replyError }).cause).toBe(replyError);
    expect(new HeadroomError("A", "a", { cause: null }).cause).toBe(null);
  });

  test("is recognised by its brand and code, also from another copy of the package", () => {
    const error = new PoolFullError("orders", 10);
    const foreign = Object.assign(new Error("x"), {
      [Symbol.for("headroom.error")]: true,
      code: "POOL_FULL",
    });
    for (const value of [error, foreign]) {
      expect(isHeadroomError(value)).toBe(true);
      expect(isHeadroomError(value, "POOL_FULL")).toBe(true);
      expect(isHeadroomError(value, "OTHER")).toBe(false);
    }
    for (const value of [new Error("x"), { code: "POOL_FULL" }, "POOL_FULL", null, undefined]) {
      expect(isHeadroomError(value)).toBe(false);
    }
  });

  test("narrows its code for the compiler", () => {
    const error: unknown = new PoolFullError("orders", 10);
    const code: "POOL_FULL" | undefined = isHeadroomError(error, "POOL_FULL")
      ? error.code
      : undefined;
    expect(code).toBe("POOL_FULL");
  });
});

describe("what an error shows", () => {
  test("is its stack, its fields, and name, code and message of its cause", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    const error = new HeadroomError("REDIS_DOWN", "no answer from cache-1", { cause: refused });
    const text = inspect(error);
    expect(text).toContain("HeadroomError: no answer from cache-1\n    at ");
    expect(text).toContain("code: 'REDIS_DOWN'");
    expect(text).toContain("code: 'ECONNREFUSED'");
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: "HeadroomError",
      code: "REDIS_DOWN",
      message: "no answer from cache-1",
      retryable: false,
      cause: { name: "Error", code: "ECONNREFUSED", message: "connect ECONNREFUSED" },
    });
  });

  test("includes the errors among its fields, in the same way", () => {
    const error = Object.assign(new HeadroomError("ALL_FAILED", "all failed"), {
      errors: [replyError, new PoolFullError("orders", 3)],
    });
    expect(JSON.parse(JSON.stringify(error)).errors).toEqual([
      { name: "ReplyError", message: replyError.message },
      {
        name: "HeadroomError",
        message: 'pool "orders" lent all 3 connections',
        code: "POOL_FULL",
        retryable: true,
        pool: "orders",
        limit: 3,
      },
    ]);
    expect(allTextsOf(new HeadroomError("A", "a", { cause: error }))).not.toContain(CANARY);
  });

  test("lists the errors of an AggregateError that caused it", () => {
    const error = new HeadroomError("ALL_FAILED", "all failed", {
      cause: new AggregateError([replyError, urlError], "2 attempts"),
    });
    expect(error.toJSON()["cause"]).toEqual({
      name: "AggregateError",
      message: "2 attempts",
      errors: [
        { name: "ReplyError", message: replyError.message },
        { name: "TypeError", code: "ERR_INVALID_URL", message: "Invalid URL" },
      ],
    });
  });

  test("is only its code where the depth of the inspection ends", () => {
    const text = inspect({ a: { b: new HeadroomError("DEEP", "deep") } }, { depth: 1 });
    expect(text).toContain("[HeadroomError DEEP]");
  });

  test("ends, also when causes go round in a circle", () => {
    const inner = new Error("inner");
    const outer = new HeadroomError("OUTER", "outer", { cause: inner });
    inner.cause = outer;
    expect(inspect(outer)).toContain("inner");
    expect(JSON.stringify(outer)).toContain("[object]");
  });

  test("can be written as JSON whatever its fields hold", () => {
    const fields = { big: 10n, call: () => {}, map: new Map(), none: undefined, nothing: null };
    const error = Object.assign(new HeadroomError("ODD", "odd"), fields);
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      big: "10",
      call: "[function]",
      map: "[object]",
      nothing: null,
    });
  });

  test("are dates as dates, and a key by its name", () => {
    const fields = { since: new Date(0), never: new Date(Number.NaN), key: "user:1" };
    const error = Object.assign(new HeadroomError("ODD", "odd"), fields);
    expect(error.toJSON()).toMatchObject({
      since: "1970-01-01T00:00:00.000Z",
      never: null,
      key: "user:1",
    });
  });

  test("is of a thrown text only that it was one", () => {
    const error = new HeadroomError("A", "a", { cause: "the session of Ada" });
    expect(error.toJSON()["cause"]).toBe("[string]");
  });
});

describe("no secret is shown", () => {
  const url = `postgres://app:${CANARY}@db-1/shop`;
  test.each<[string, () => unknown]>([
    ["a command on the cause", () => new HeadroomError("A", "a", { cause: replyError })],
    ["a URL that could not be parsed", () => new HeadroomError("A", "a", { cause: urlError })],
    [
      "a cause of a cause",
      () => new HeadroomError("A", "a", { cause: new Error("b", { cause: replyError }) }),
    ],
    [
      "a cause with several errors",
      () => new HeadroomError("A", "a", { cause: new AggregateError([replyError, urlError]) }),
    ],
    ["a cause of our own", () => new HeadroomError("A", "a", { cause: withCause(replyError) })],
    ["a thrown text", () => new HeadroomError("A", "a", { cause: `cannot reach ${url}` })],
    ["a thrown object", () => new HeadroomError("A", "a", { cause: { args: [CANARY] } })],
    ["a thrown list", () => new HeadroomError("A", "a", { cause: [CANARY] })],
    ["the message", () => new HeadroomError("A", `cannot reach ${url}`)],
    ["the message of the cause", () => new HeadroomError("A", "a", { cause: new Error(url) })],
  ])("of %s", (_what, make) => {
    expect(allTextsOf(make())).not.toContain(CANARY);
  });

  test("of fields that should not have been put on the error", () => {
    const error = Object.assign(new HeadroomError("A", "a"), {
      url,
      urls: [{ url }],
      password: CANARY,
      options: { host: "db-1", password: CANARY },
      client: new Map([["password", CANARY]]),
    });
    expect(inspect(error, { depth: 10 })).not.toContain(CANARY);
    expect(JSON.stringify(error)).not.toContain(CANARY);
    expect(inspect(error)).toContain("host: 'db-1'");
  });

  test("when Node prints an uncaught error and ends", async () => {
    const printed = await uncaught(
      "errors.ts",
      `new HeadroomError("REDIS_DOWN", "no answer", {
        cause: Object.assign(new Error("READONLY"), { command: { args: [canary] } }),
      })`,
    );
    expect(printed).toContain("no answer");
    expect(printed).not.toContain(CANARY);
  });

  test.each([
    ["deadline.ts", "DeadlineExceededError", 'new DeadlineExceededError("asking " + url, 5)'],
    ["circuit-breaker.ts", "CircuitOpenError", "new CircuitOpenError(url, 5)"],
  ])("when Node prints the uncaught error of %s", async (file, name, expression) => {
    const printed = await uncaught(file, expression);
    expect(printed).toContain(`${name}: `);
    expect(printed).not.toContain(CANARY);
  });
});

/** What Node prints when a module throws what `expression` makes, and ends. */
function uncaught(file: string, expression: string): Promise<string> {
  const script = `
    import * as module from ${JSON.stringify(new URL(file, import.meta.url).href)};
    const { HeadroomError, DeadlineExceededError, CircuitOpenError } = module;
    const canary = ["c4n4ry", "hunter2"].join("-");
    const url = "redis://:" + canary + "@cache-1";
    throw ${expression};`;
  const flags = ["--input-type=module", "--eval", script];
  return new Promise((resolve) => {
    execFile(process.execPath, flags, (_error, _stdout, stderr) => resolve(stderr));
  });
}

function withCause(cause: unknown): HeadroomError {
  return new HeadroomError("INNER", "inner", { cause });
}
