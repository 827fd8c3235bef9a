import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createManualClock } from "@headroom/core/testing";
import express from "express";
import session from "express-session";
import { expect, onTestFinished, test } from "vitest";
import { faultySessionStore } from "../faulty-store.ts";
import { memoryStore } from "../memory-store.ts";
import { type ExpressSessionStoreOptions, toExpressSessionStore } from "./express-session-store.ts";

declare module "express-session" {
  interface SessionData {
    [name: string]: unknown;
  }
}

async function start(options: ExpressSessionStoreOptions = {}, maxAge?: number) {
  const clock = createManualClock();
  const memory = memoryStore({ clock });
  const faulty = faultySessionStore(memory);
  const listed = Object.assign(faulty, { keys: () => memory.keys() });
  const store = toExpressSessionStore(listed, session.Store, { clock, ...options });
  const app = express();
  const cookie = maxAge === undefined ? {} : { maxAge };
  app.use(
    session({ store, secret: "s".repeat(32), resave: false, saveUninitialized: false, cookie }),
  );
  app.get("/set", (request, response) => {
    const [[name = "", value] = []] = Object.entries(request.query);
    request.session[name] = value;
    response.send("set");
  });
  app.get("/delete", (request, response) => {
    Reflect.deleteProperty(request.session, String(request.query["name"]));
    response.send("deleted");
  });
  app.get("/", ({ session: { cookie: _, ...fields } }, response) => void response.json(fields));
  app.get("/logout", (request, response) => request.session.destroy(() => response.send("out")));
  app.get("/wait", (request, response) => {
    waiting(() => {
      request.session["late"] = 1;
      response.send("late");
    });
  });
  let waiting = (_: () => void): void => {};
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  let sent = "";
  const get = async (path: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie: sent } });
    const [set] = answer.headers.getSetCookie();
    if (set !== undefined) sent = set.split(";")[0] ?? "";
    return answer.text();
  };
  const arrives = (): Promise<() => void> =>
    new Promise((resolve) => {
      waiting = resolve;
    });
  return { clock, faulty, memory, store, get, arrives, id: () => decodeURIComponent(sent) };
}

const told = <Result>(call: (callback: (error: unknown, result?: Result) => void) => void) =>
  new Promise<Result | undefined>((resolve, reject) =>
    call((error, result) => (error ? reject(error) : resolve(result))),
  );

test("of 20 parallel requests each writing its own field, 20 writes survive", async () => {
  const { get } = await start();
  await get("/set?first=1");
  await Promise.all(Array.from({ length: 20 }, (_, at) => get(`/set?f${at}=1`)));
  expect(Object.keys(JSON.parse(await get("/")))).toHaveLength(21);
});

test("a request that ends after a logout brings nothing back", async () => {
  const { get, arrives, memory } = await start();
  await get("/set?a=1");
  const arrived = arrives();
  const late = get("/wait");
  const finish = await arrived;
  await get("/logout");
  finish();
  expect(await late).toBe("late");
  expect(await get("/")).toBe("{}");
  for await (const key of memory.keys()) expect(key).toBe("nothing is there");
});

test("what is deleted is gone, and what was only read is not written", async () => {
  const { get, faulty } = await start();
  await get("/set?a=1");
  await get("/set?b=2");
  await get("/delete?name=a");
  expect(JSON.parse(await get("/"))).toEqual({ b: "2" });
  expect(faulty.calls).toEqual(["create", "load", "commit", "load", "commit", "load"]);
});

test("a use is noted at most so often, and keeps the session alive", async () => {
  const { get, clock, faulty } = await start({ touchEveryMs: 1_000 }, 10_000);
  await get("/set?a=1");
  for (let at = 0; at < 20; at++) {
    await clock.advance(900);
    expect(await get("/")).toBe('{"a":"1"}');
  }
  expect(faulty.calls.filter((call) => call === "touch")).toHaveLength(10);
  await clock.advance(10_000);
  expect(await get("/")).toBe("{}");
});

test("the id is not in the store, and administration sees all", async () => {
  const { get, id, store, memory } = await start();
  await get("/set?a=1");
  const keys: string[] = [];
  for await (const key of memory.keys()) keys.push(key);
  const sid = /s:(.*?)\./.exec(id())?.[1] ?? "";
  expect(sid).toHaveLength(32);
  expect(keys.join()).not.toContain(sid);
  expect(await told((callback) => store.ids(callback))).toEqual(keys);
  expect(await told((callback) => store.length(callback))).toBe(1);
  expect(await told((callback) => store.all(callback))).toMatchObject([{ id: keys[0], a: "1" }]);
  await told((callback) => store.clear(callback));
  expect(await told((callback) => store.length(callback))).toBe(0);
  expect(await get("/")).toBe("{}");
});

test("a session that is given to the store by hand replaces what is there", async () => {
  const { store } = await start();
  const cookie = { originalMaxAge: null };
  await told((callback) => store.set("id", { cookie, a: 1, b: 1 } as never, callback));
  await told((callback) => store.set("id", { cookie, b: 2 } as never, callback));
  expect(await told((callback) => store.get("id", callback))).toMatchObject({ b: 2 });
  expect(await told((callback) => store.get("id", callback))).not.toHaveProperty("a");
  await told((callback) => store.destroy("id", callback));
  expect(await told((callback) => store.get("id", callback))).toBeNull();
});

test("a store that fails or hangs is told to express-session, in time", async () => {
  const { store, faulty, clock } = await start({ timeoutMs: 500 });
  faulty.fault = "fail";
  await expect(told((callback) => store.get("id", callback))).rejects.toMatchObject({
    status: 503,
  });
  faulty.fault = "hang";
  const hanging = expect(told((callback) => store.get("id", callback))).rejects.toMatchObject({
    code: "SESSION_TIMEOUT",
  });
  await clock.advance(500);
  await hanging;
});

test("what is wrong is named, and what the store cannot do is told", async () => {
  const plain = faultySessionStore(memoryStore());
  expect(() => toExpressSessionStore(plain, session.Store, { idle: 5 } as never)).toThrow(/idleMs/);
  const store = toExpressSessionStore(plain, session.Store);
  await expect(told((callback) => store.ids(callback))).rejects.toThrow(/cannot list its sessions/);
});
