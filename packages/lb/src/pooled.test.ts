import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { lbDiscovery } from "@headroom/core/channels";
import { afterEach, describe, expect, test } from "vitest";
import { targetFeed } from "./discovery/feed.ts";
import { type PooledOptions, pooled } from "./pooled.ts";
import type { TargetOptions } from "./target.ts";

const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error) => error);

interface Address {
  readonly port: number;
}

/** A server of lines over TCP: greets with its name, answers each line with its name and the line. */
class LineServer {
  readonly name: string;
  readonly sockets = new Set<Socket>();
  /** How many connections it has had in all. */
  accepted = 0;
  behaviour: "answer" | "no greeting" | "no answer" | "reset" = "answer";
  #server: Server | undefined;
  #port = 0;

  constructor(name: string) {
    this.name = name;
  }

  async start(): Promise<this> {
    const server = createServer((socket) => this.#serve(socket));
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    this.#port = (server.address() as { port: number }).port;
    this.#server = server;
    return this;
  }

  /** Stops listening and cuts every connection. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.close();
    this.cut();
    await once(server, "close");
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  get target(): TargetOptions<Address> {
    return { id: this.name, target: { port: this.#port } };
  }

  #serve(socket: Socket): void {
    this.accepted++;
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => {});
    if (this.behaviour !== "no greeting") socket.write(`${this.name} ready\n`);
    socket.on("data", (line) => {
      if (this.behaviour === "reset") socket.resetAndDestroy();
      if (this.behaviour === "answer") socket.write(`${this.name} ${line}`);
    });
  }
}

/** A client's end of such a connection: one question at a time. */
class Line {
  readonly socket: Socket;
  #received = "";
  #settle: { resolve(line: string): void; reject(error: Error): void } | undefined;
  #failure: Error | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes) => this.#take(String(bytes)));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("closed by the server")));
  }

  static async open({ port }: Address, signal: AbortSignal): Promise<Line> {
    const line = new Line(connect({ port, host: "127.0.0.1", signal }));
    await line.#next();
    return line;
  }

  async ask(text: string): Promise<string> {
    this.socket.write(`${text}\n`);
    return this.#next();
  }

  /** For the pool: a connection that is an emitter says when it is lost. */
  on(event: string, listener: () => void): void {
    this.socket.on(event, listener);
  }

  #next(): Promise<string> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  #take(text: string): void {
    this.#received += text;
    const [line = "", rest] = this.#received.split("\n");
    if (rest === undefined) return;
    this.#received = rest;
    this.#settle?.resolve(line);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#settle?.reject(this.#failure);
  }
}

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function startServers(count: number): Promise<LineServer[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, (_, i) => new LineServer(`server-${i}`).start()),
  );
  opened.push(...servers.map((server) => () => server.stop()));
  return servers;
}

function start(
  servers: readonly LineServer[],
  options: Partial<PooledOptions<Address, Line>> = {},
) {
  const lines = pooled<Address, Line>({
    targets: servers.map(({ target }) => target),
    create: (address, signal) => Line.open(address, signal),
    destroy: ({ socket }) => void socket.destroy(),
    max: 5,
    ...options,
  });
  opened.push(() => lines.close());
  return lines;
}

const sum = (servers: readonly LineServer[], of: (server: LineServer) => number): number =>
  servers.reduce((total, server) => total + of(server), 0);

describe("work on connections", () => {
  test("is spread over the targets, and the connections are used again", async () => {
    const servers = await startServers(3);
    const lines = start(servers, { policy: "round-robin" });
    const answers: string[] = [];
    for (let i = 0; i < 30; i++) answers.push(await lines.use((line) => line.ask("hello")));
    expect(new Set(answers)).toEqual(
      new Set(["server-0 hello", "server-1 hello", "server-2 hello"]),
    );
    expect(servers.map(({ accepted }) => accepted)).toEqual([1, 1, 1]);
    expect(lines.stats().targets).toMatchObject([
      { id: "server-0", requests: 10, connections: { open: 1, inUse: 0, waiting: 0 } },
      { id: "server-1", requests: 10 },
      { id: "server-2", requests: 10 },
    ]);
  });

  test("knows where its connection goes, and which attempt it is", async () => {
    const [server] = await startServers(1);
    const lines = start(server === undefined ? [] : [server]);
    const told = await lines.use((_line, { target, id, attempt }) => ({ target, id, attempt }));
    expect(told).toEqual({ ...server?.target, attempt: 1 });
  });

  test("in any number uses no more connections than max to each target", async () => {
    const servers = await startServers(2);
    const lines = start(servers, { max: 3, acquireTimeoutMs: 10_000 });
    let most = 0;
    const work = async (line: Line): Promise<string> => {
      most = Math.max(most, ...servers.map(({ sockets }) => sockets.size));
      return line.ask("hello");
    };
    await Promise.all(Array.from({ length: 500 }, () => lines.use(work)));
    expect(most).toBe(3);
    expect(sum(servers, ({ accepted }) => accepted)).toBeLessThanOrEqual(6);
  });
});

describe("a target that is gone", () => {
  test("costs no work: what was not sent goes to another, though it may not be done twice", async () => {
    const servers = await startServers(2);
    const lines = start(servers, { policy: "round-robin" });
    await servers[0]?.stop();
    const answers: string[] = [];
    for (let i = 0; i < 40; i++) answers.push(await lines.use((line) => line.ask("hello")));
    expect(new Set(answers)).toEqual(new Set(["server-1 hello"]));
    expect(lines.stats().targets[0]).toMatchObject({ id: "server-0", status: "ejected" });
  });

  test("fails nothing once it is known to be gone, and gets work when it is back", async () => {
    const servers = await startServers(2);
    const lines = start(servers, {
      policy: "round-robin",
      health: { refusedEjectionMs: 10, slowStartMs: 0 },
    });
    for (let i = 0; i < 4; i++) await lines.use((line) => line.ask("hello"));
    await servers[0]?.stop();
    // Work that comes before we hear of it would be lost, as with every protocol that keeps connections.
    await expect.poll(() => lines.stats().targets[0]?.connections.open).toBe(0);
    const failed: unknown[] = [];
    for (let i = 0; i < 40; i++) {
      await lines.use((line) => line.ask("hello")).catch((error) => failed.push(error));
    }
    expect(failed).toEqual([]);
    await servers[0]?.start();
    await expect
      .poll(() => lines.use((line) => line.ask("hello"), { idempotent: true }))
      .toBe("server-0 hello");
  });

  test("with all others is an error that says which was tried last and why", async () => {
    const servers = await startServers(2);
    const lines = start(servers, { name: "lines" });
    for (const server of servers) await server.stop();
    expect(await outcome(lines.use((line) => line.ask("hello")))).toMatchObject({
      code: "LB_UPSTREAM",
      pool: "lines",
      target: expect.stringMatching(/^server-[01]$/),
      cause: { code: "ECONNREFUSED" },
    });
  });

  test("that refuses is not asked again and again behind our back", async () => {
    const [server] = await startServers(1);
    if (server === undefined) return;
    let creates = 0;
    const lines = start([server], {
      create: async () => {
        creates++;
        throw new Error("refused");
      },
    });
    await outcome(lines.use((line) => line.ask("hello")));
    await new Promise((resolve) => setImmediate(resolve));
    expect(creates).toBe(1);
  });
});

describe("a target that hangs", () => {
  test("before its connection is ready costs no work", async () => {
    const servers = await startServers(2);
    if (servers[0] !== undefined) servers[0].behaviour = "no greeting";
    const lines = start(servers, { policy: "round-robin", connectTimeoutMs: 50 });
    const answers: string[] = [];
    for (let i = 0; i < 12; i++) answers.push(await lines.use((line) => line.ask("hello")));
    expect(new Set(answers)).toEqual(new Set(["server-1 hello"]));
    await expect.poll(() => servers[0]?.sockets.size).toBe(0);
  });

  test("fails its work in time, closes that connection, and work that may be done twice goes on", async () => {
    const servers = await startServers(2);
    const lines = start(servers, { policy: "round-robin" });
    for (let i = 0; i < 4; i++) await lines.use((line) => line.ask("hello"));
    if (servers[0] !== undefined) servers[0].behaviour = "no answer";
    const perTryTimeoutMs = 50;
    const results = [];
    for (let i = 0; i < 2; i++) {
      results.push(await outcome(lines.use((line) => line.ask("hello"), { perTryTimeoutMs })));
    }
    expect(results).toContainEqual(expect.objectContaining({ code: "DEADLINE_EXCEEDED" }));
    await expect.poll(() => servers[0]?.sockets.size).toBe(0);
    const options = { perTryTimeoutMs, idempotent: true };
    for (let i = 0; i < 4; i++) {
      expect(await lines.use((line) => line.ask("hello"), options)).toBe("server-1 hello");
    }
  });

  test("does not hold up a caller who gives up", async () => {
    const [server] = await startServers(1);
    if (server === undefined) return;
    server.behaviour = "no answer";
    const lines = start([server]);
    const caller = new AbortController();
    const used = outcome(lines.use((line) => line.ask("hello"), { signal: caller.signal }));
    await expect.poll(() => server.sockets.size).toBe(1);
    caller.abort("gone");
    expect(await used).toBe("gone");
    await expect.poll(() => server.sockets.size).toBe(0);
  });
});

describe("a connection", () => {
  test("that the server closes while it is idle is not handed out again", async () => {
    const [server] = await startServers(1);
    if (server === undefined) return;
    const lines = start([server]);
    for (let i = 0; i < 5; i++) {
      await lines.use((line) => line.ask("hello"));
      server.cut();
      await expect.poll(() => lines.stats().targets[0]?.connections.open).toBe(0);
    }
    expect(server.accepted).toBe(5);
    expect(lines.stats().targets[0]).toMatchObject({ failures: 0 });
  });

  test("that is reset in the midst of work fails that work, and is closed", async () => {
    const [server] = await startServers(1);
    if (server === undefined) return;
    const lines = start([server]);
    server.behaviour = "reset";
    const error = await outcome(lines.use((line) => line.ask("hello")));
    expect(error).toMatchObject({ code: "ECONNRESET" });
    server.behaviour = "answer";
    expect(await lines.use((line) => line.ask("hello"))).toBe("server-0 hello");
    expect(server.accepted).toBe(2);
  });

  test("is kept after a harmless error, for which the target is not to blame", async () => {
    const [server] = await startServers(1);
    if (server === undefined) return;
    const lines = start([server], { isBroken: (error) => error !== "refused by the application" });
    for (let i = 0; i < 20; i++) {
      const work = (): Promise<never> => Promise.reject("refused by the application");
      expect(await outcome(lines.use(work))).toBe("refused by the application");
    }
    expect(server.accepted).toBe(1);
    expect(lines.stats().targets[0]).toMatchObject({ status: "healthy", failures: 0 });
  });

  test("for which nobody has room is an error of overload, and not the target's fault", async () => {
    const [server] = await startServers(1);
    if (server === undefined) return;
    server.behaviour = "no answer";
    const lines = start([server], { max: 1, acquireTimeoutMs: 20 });
    const caller = new AbortController();
    const busy = outcome(lines.use((line) => line.ask("hello"), { signal: caller.signal }));
    await expect.poll(() => server.sockets.size).toBe(1);
    for (let i = 0; i < 6; i++) {
      expect(await outcome(lines.use((line) => line.ask("hello")))).toMatchObject({
        code: "LB_OVERLOADED",
        target: "server-0",
      });
    }
    expect(lines.stats().targets[0]).toMatchObject({ status: "healthy", failures: 0 });
    caller.abort();
    await busy;
  });
});

describe("targets that come and go", () => {
  test("keep their connections through a refresh, and lose them when they leave", async () => {
    const servers = await startServers(2);
    const [one, other] = servers.map(({ target }) => target);
    if (one === undefined || other === undefined) return;
    const feed = targetFeed<Address>();
    const lines = start([], { targets: feed.discovery, policy: "round-robin" });
    feed.publish([one, other]);
    await lines.ready();
    for (let i = 0; i < 4; i++) await lines.use((line) => line.ask("hello"));
    feed.publish([{ ...one }, { ...other }]);
    for (let i = 0; i < 4; i++) await lines.use((line) => line.ask("hello"));
    expect(servers.map(({ accepted }) => accepted)).toEqual([1, 1]);
    feed.publish([other]);
    await expect.poll(() => servers[0]?.sockets.size).toBe(0);
    expect(await lines.use((line) => line.ask("hello"))).toBe("server-1 hello");
    feed.publish([one, other]);
    await expect.poll(() => lines.use((line) => line.ask("hello"))).toBe("server-0 hello");
    expect(servers.map(({ accepted }) => accepted)).toEqual([2, 1]);
  });

  test("finish the work that is under way when they leave, and come back with a new pool", async () => {
    const [server] = await startServers(1);
    if (server === undefined) return;
    const lines = start([]);
    lines.add(server.target);
    let finish: (() => void) | undefined;
    const used = lines.use(async (line) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return line.ask("hello");
    });
    await expect.poll(() => finish).toBeDefined();
    lines.remove("server-0");
    lines.add(server.target);
    expect(await lines.use((line) => line.ask("again"))).toBe("server-0 again");
    finish?.();
    expect(await used).toBe("server-0 hello");
    await expect.poll(() => server.sockets.size).toBe(1);
    expect(server.accepted).toBe(2);
    expect(lines.stats().targets[0]).toMatchObject({ connections: { open: 1, inUse: 0 } });
    expect(await lines.use((line) => line.ask("still"))).toBe("server-0 still");
  });

  test("with a mistake in their list are reported, and the last list stays", async () => {
    const [server] = await startServers(1);
    if (server === undefined) return;
    const lines = start([], {
      targets: async function* () {
        yield [server.target];
        yield [server.target, server.target];
        yield { failed: new Error("down") };
      },
    });
    const codes: string[] = [];
    const unsubscribe = lbDiscovery.subscribe(({ code }) => void codes.push(code));
    opened.push(async () => unsubscribe());
    await lines.ready();
    await expect.poll(() => codes).toEqual(["RangeError", "Error"]);
    expect(await lines.use((line) => line.ask("hello"))).toBe("server-0 hello");
  });

  test("are checked when they are added", () => {
    const lines = start([]);
    expect(() => lines.add({ id: "a" } as TargetOptions<Address>)).toThrow(/target must be given/);
    expect(() => lines.remove("a")).toThrow(/no target with id "a"/);
  });

  test("can be drained and resumed", async () => {
    const servers = await startServers(2);
    const lines = start(servers, { policy: "round-robin" });
    await lines.drain("server-0");
    for (let i = 0; i < 4; i++) {
      expect(await lines.use((line) => line.ask("hello"))).toBe("server-1 hello");
    }
    lines.resume("server-0");
    await lines.use((line) => line.ask("hello"));
    await lines.use((line) => line.ask("hello"));
    expect(servers[0]?.accepted).toBe(1);
  });
});

describe("closing", () => {
  test("leaves no socket behind, also after work that was given up", async () => {
    const servers = await startServers(3);
    const lines = start(servers, { max: 4, acquireTimeoutMs: 10_000 });
    if (servers[2] !== undefined) servers[2].behaviour = "no answer";
    const options = { perTryTimeoutMs: 50 };
    const work = Array.from({ length: 200 }, () =>
      outcome(lines.use((line) => line.ask("hello"), options)),
    );
    await Promise.all(work);
    expect(sum(servers, ({ sockets }) => sockets.size)).toBeGreaterThan(0);
    await lines.close();
    await expect.poll(() => sum(servers, ({ sockets }) => sockets.size)).toBe(0);
    expect(await outcome(lines.use((line) => line.ask("hello")))).toMatchObject({
      code: "LB_CLOSED",
    });
  });

  test("waits until every connection is closed", async () => {
    const [server] = await startServers(1);
    if (server === undefined) return;
    const closed: string[] = [];
    const lines = start([server], {
      destroy: async ({ socket }) => {
        socket.end();
        await once(socket, "close");
        closed.push("connection");
      },
    });
    await lines.use((line) => line.ask("hello"));
    await lines.close();
    closed.push("pool");
    expect(closed).toEqual(["connection", "pool"]);
  });

  test("waits for the work under way", async () => {
    const [server] = await startServers(1);
    if (server === undefined) return;
    const lines = start([server]);
    const used = lines.use((line) => line.ask("hello"));
    await lines.close();
    expect(await used).toBe("server-0 hello");
  });

  test("is what `await using` does", async () => {
    const [server] = await startServers(1);
    if (server === undefined) return;
    {
      await using lines = start([server]);
      await lines.use((line) => line.ask("hello"));
    }
    await expect.poll(() => server.sockets.size).toBe(0);
  });
});

test("active checks are told the address", async () => {
  const [server] = await startServers(1);
  if (server === undefined) return;
  const checked: Address[] = [];
  start([server], {
    check: {
      intervalMs: 10,
      check: async (address) => void checked.push(address),
    },
  });
  await expect.poll(() => checked[0]).toEqual(server.target.target);
});

test("a retry of false tries once, and classify is asked about the work", async () => {
  const servers = await startServers(2);
  await servers[0]?.stop();
  const lines = start(servers, { policy: "round-robin", retry: false });
  const results = [];
  for (let i = 0; i < 2; i++) results.push(await outcome(lines.use((line) => line.ask("hello"))));
  expect(results).toContainEqual(expect.objectContaining({ code: "LB_UPSTREAM" }));

  const classified: unknown[] = [];
  const judged = start(servers, {
    retry: {
      classify: (error) => {
        classified.push(error);
        return { type: "failure", kind: "failed" };
      },
    },
  });
  await outcome(judged.use(() => Promise.reject("mine")));
  expect(classified).toEqual(["mine"]);
});
