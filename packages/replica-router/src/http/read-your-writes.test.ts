import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  type ReadYourWritesOptions,
  readYourWrites,
  type SessionDatabase,
} from "./read-your-writes.ts";

const secret = "s".repeat(32);

/** A database of which only its session's state is there. */
function fakeDatabase() {
  const state = { token: undefined as string | undefined, writes: 0, asked: 0, fail: false };
  const db: SessionDatabase = {
    session: {
      get needsToken() {
        return state.writes > 0 || state.token !== undefined;
      },
      get hasUnplacedWrites() {
        return state.writes > 0;
      },
      async token() {
        state.asked++;
        if (state.fail) throw new Error("no primary");
        if (state.writes > 0) state.token = `1.1.1.${state.writes}.a`;
        state.writes = 0;
        return state.token;
      },
    },
    run(token, work) {
      Object.assign(state, { token, writes: 0 });
      return work();
    },
  };
  return { db, state };
}

async function serve(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  options: Partial<ReadYourWritesOptions> = {},
) {
  const { db, state } = fakeDatabase();
  const middleware = readYourWrites(db, { secret, ...options });
  const server = createServer((request, response) => {
    middleware(request, response, (error) => {
      if (error === undefined) handler(request, response);
      else response.writeHead(503).end("try again");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const get = (headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${port}/`, { headers, redirect: "manual" });
  return { get, state };
}

const cookieOf = (answer: Response) => answer.headers.get("set-cookie")?.split(";")[0] ?? "";

test("a write before a redirect is in its cookie, and the next request brings it", async () => {
  const { get, state } = await serve((request, response) => {
    if (request.headers.cookie === undefined) state.writes = 7;
    response.writeHead(303, { location: "/notes" }).end();
  });
  const first = await get();
  expect(first.status).toBe(303);
  expect(cookieOf(first)).toMatch(/^db-session=1\.1\.1\.7\.a\.[\w-]{43}$/);
  const second = await get({ cookie: cookieOf(first) });
  expect(state.token).toBe("1.1.1.7.a");
  expect(second.headers.get("set-cookie")).toBeNull();
});

test("who wrote nothing and brought nothing is not asked for, and gets an answer that may be cached", async () => {
  const { get, state } = await serve((_, response) => void response.end("hello"));
  const answer = await get();
  expect([answer.headers.get("set-cookie"), answer.headers.get("cache-control")]).toEqual([
    null,
    null,
  ]);
  expect(state.asked).toBe(0);
});

test("what was forged, cut or signed for something else is nothing", async () => {
  const { get, state } = await serve((_, response) => void response.end());
  for (const cookie of [
    "db-session=1.1.1.7.a",
    "db-session=1.1.1.7.a.xxx",
    "db-session=",
    "db-session=.",
  ]) {
    await get({ cookie });
    expect(state.token).toBeUndefined();
  }
});

test("a header, for clients without cookies", async () => {
  const handler = (_: IncomingMessage, response: ServerResponse): void => {
    state.writes = 3;
    response.end();
  };
  const { get, state } = await serve((...given) => handler(...given), { header: "X-DB-Session" });
  const value = (await get()).headers.get("x-db-session") ?? "";
  expect(value).toMatch(/^1\.1\.1\.3\.a\./);
});

test("when the position cannot be found out the error is the application's, and nothing was sent", async () => {
  const { get, state } = await serve((_, response) => {
    state.writes = 1;
    state.fail = true;
    response.end("done");
  });
  expect((await get()).status).toBe(503);
});

test("a write after the head was sent is told", async () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  const { get, state } = await serve((_, response) => {
    response.write("first");
    state.writes = 1;
    response.end();
  });
  await (await get()).text();
  expect(warned).toHaveBeenCalledWith(expect.stringContaining("after the head"), {
    code: "HEADROOM_REPLICA_LATE_WRITE",
  });
});

test.each([
  [{ secret, cokie: "a" }, /did you mean "cookie"/],
  [{ secret, cookie: "a", header: "b" }, /one of the two/],
  [{ secret, cookie: "a b" }, /cookie must be a name/],
  [{ secret: "short" }, /at least 32 characters/],
])("%o is refused", (options, message) => {
  const { db } = fakeDatabase();
  expect(() => readYourWrites(db, options as ReadYourWritesOptions)).toThrow(message);
});
