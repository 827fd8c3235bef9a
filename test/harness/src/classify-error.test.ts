import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Redis, ReplyError } from "ioredis";
import pg from "pg";
import { afterEach, describe, expect, test } from "vitest";
import { classifyError, reasonOf } from "./classify-error.ts";

// The clients' own errors, as they make them today: a message that changes in a new version shows.

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that treats every connection alike; gives its port. */
async function serverThat(treat: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.unref();
    treat(socket);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A port nobody listens on. */
async function deadPort(): Promise<number> {
  const port = await serverThat(() => {});
  const server = servers.pop();
  server?.close();
  if (server) await once(server, "close");
  return port;
}

const neverAnswers = (socket: Socket): void => {
  socket.resume();
};

const resetsTheFirstBytes = (socket: Socket): void => {
  socket.once("data", () => socket.resetAndDestroy());
};

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

describe("an error of pg", () => {
  const AUTHENTICATED = Buffer.from("R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I", "latin1");

  /** Lets a client in and then does `then` with what it sends. */
  const afterLogin =
    (then: (socket: Socket) => void) =>
    (socket: Socket): void => {
      socket.once("data", () => {
        socket.write(AUTHENTICATED);
        socket.once("data", () => then(socket));
      });
    };

  async function client(port: number, options: pg.ClientConfig = {}): Promise<pg.Client> {
    const made = new pg.Client({ host: "127.0.0.1", port, user: "app", ssl: false, ...options });
    made.on("error", () => {});
    return made;
  }

  test("that could not connect is failed", async () => {
    const error = await errorOf((await client(await deadPort())).connect());
    expect([classifyError(error), reasonOf(error)]).toEqual(["failed", "ECONNREFUSED"]);
  });

  test("of a pool that got no connection in time is failed", async () => {
    const pool = new pg.Pool({
      host: "127.0.0.1",
      port: await serverThat(neverAnswers),
      connectionTimeoutMillis: 30,
    });
    const error = await errorOf(pool.query("SELECT 1"));
    expect(classifyError(error)).toBe("failed");
    await pool.end();
    expect(classifyError(await errorOf(pool.query("SELECT 1")))).toBe("failed");
  });

  test("whose connection was lost after sending is unknown, and the next is failed", async () => {
    const connected = await client(await serverThat(afterLogin((socket) => socket.destroy())));
    await connected.connect();
    expect(classifyError(await errorOf(connected.query("COMMIT")))).toBe("unknown");
    expect(classifyError(await errorOf(connected.query("SELECT 1")))).toBe("failed");
  });

  test("whose reply was reset or too late is unknown", async () => {
    const reset = await client(await serverThat(afterLogin((socket) => socket.resetAndDestroy())));
    await reset.connect();
    expect(classifyError(await errorOf(reset.query("COMMIT")))).toBe("unknown");
    const late = await client(await serverThat(afterLogin(() => {})), { query_timeout: 20 });
    await late.connect();
    expect(classifyError(await errorOf(late.query("COMMIT")))).toBe("unknown");
    late.end();
  });

  function reply(code: string, severity: string): Error {
    return Object.assign(new pg.DatabaseError("no", 2, "error"), { code, severity });
  }

  test.each([
    ["23505 unique violation", reply("23505", "ERROR"), "failed"],
    ["25006 read only", reply("25006", "ERROR"), "failed"],
    ["40001 serialization", reply("40001", "ERROR"), "failed"],
    ["57014 statement timeout", reply("57014", "ERROR"), "failed"],
    ["57P03 starting up", reply("57P03", "FATAL"), "failed"],
    ["53300 too many connections", reply("53300", "FATAL"), "failed"],
    ["57P01 shut down under the statement", reply("57P01", "FATAL"), "unknown"],
    ["57P02 crash of another backend", reply("57P02", "FATAL"), "unknown"],
    ["58030 PANIC", reply("58030", "PANIC"), "unknown"],
    ["40003 completion unknown", reply("40003", "ERROR"), "unknown"],
    ["08007 resolution unknown", reply("08007", "ERROR"), "unknown"],
  ])("that is the server's reply %s", (_, error, expected) => {
    expect(classifyError(error)).toBe(expected);
  });
});

describe("an error of ioredis", () => {
  const oneTry = { retryStrategy: () => null, maxRetriesPerRequest: 0, enableReadyCheck: false };

  function redis(port: number, options: object = {}): Redis {
    const made = new Redis({
      host: "127.0.0.1",
      port,
      protocol: 2,
      disableClientInfo: true,
      ...oneTry,
      ...options,
    });
    made.on("error", () => {});
    return made;
  }

  test("without a connection and without an offline queue is failed", async () => {
    const client = redis(await deadPort(), { enableOfflineQueue: false });
    expect(classifyError(await errorOf(client.set("key", "value")))).toBe("failed");
    client.disconnect();
  });

  test("whose connection was reset after sending is unknown", async () => {
    const client = redis(await serverThat(resetsTheFirstBytes));
    expect(classifyError(await errorOf(client.incr("key")))).toBe("unknown");
    client.disconnect();
  });

  test("whose reply was too late is unknown", async () => {
    const client = redis(await serverThat(neverAnswers), { commandTimeout: 20 });
    const error = await errorOf(client.incr("key"));
    expect([classifyError(error), reasonOf(error)]).toEqual(["unknown", "Command timed out"]);
    client.disconnect();
  });

  test("that is the server's reply is failed, but for a script that had begun to write", () => {
    const replies = [
      "READONLY You can't write against a read only replica.",
      "NOREPLICAS Not enough good replicas to write.",
      "OOM command not allowed when used memory > 'maxmemory'.",
    ];
    for (const text of replies) expect(classifyError(new ReplyError(text))).toBe("failed");
    const halfRun = "ERR user_script:1: boom script: 2c5, on @user_script:1.";
    expect(classifyError(new ReplyError(halfRun))).toBe("unknown");
  });
});

describe("an error of fetch", () => {
  test("that could not connect is failed", async () => {
    const error = await errorOf(fetch(`http://127.0.0.1:${await deadPort()}/`));
    expect([classifyError(error), reasonOf(error)]).toEqual(["failed", "ECONNREFUSED"]);
  });

  test("whose connection was reset after sending is unknown", async () => {
    const error = await errorOf(
      fetch(`http://127.0.0.1:${await serverThat(resetsTheFirstBytes)}/`),
    );
    expect([classifyError(error), reasonOf(error)]).toEqual(["unknown", "ECONNRESET"]);
  });
});

describe("any other error", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED"), {
    code: "ECONNREFUSED",
    syscall: "connect",
  });
  const reset = Object.assign(new Error("read ECONNRESET"), {
    code: "ECONNRESET",
    syscall: "read",
  });

  test("is unknown, also where nobody has thrown an Error", () => {
    const others = [
      new TypeError("boom"),
      new DOMException("aborted", "AbortError"),
      "text",
      undefined,
      null,
    ];
    expect(others.map(classifyError)).toEqual(others.map(() => "unknown"));
    expect(others.map(reasonOf)).toEqual(["boom", "aborted", "text", "undefined", "null"]);
  });

  test("of several attempts is failed only if not one of them was sent", () => {
    expect(classifyError(new AggregateError([refused, refused]))).toBe("failed");
    expect(classifyError(new AggregateError([reset, refused]))).toBe("unknown");
    expect(classifyError(new AggregateError([]))).toBe("unknown");
  });

  test("whose cause is a refused connection is unknown: an earlier attempt may have been sent", () => {
    expect(classifyError(new Error("gave up after 3 attempts", { cause: refused }))).toBe(
      "unknown",
    );
  });

  test("with a code of Node that looks like an SQLSTATE is not taken for a reply", () => {
    const brokenPipe = Object.assign(new Error("write EPIPE"), { code: "EPIPE", syscall: "write" });
    expect(classifyError(brokenPipe)).toBe("unknown");
  });
});
