/** Sessions over real HTTP, as two servers of one application serve them. */

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { connect, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { startRedis, useServers } from "@headroom/harness";
import { createSessions, type Sessions, type SessionsOptions } from "@headroom/session";
import { toExpressSessionStore } from "@headroom/session/express-session";
import { redisStore } from "@headroom/session/redis";
import express, { type Express, type RequestHandler } from "express";
import session from "express-session";
import { Redis } from "ioredis";
import passport from "passport";
import { Strategy } from "passport-local";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";

type App = Sessions<{ n: number }>;
const secrets = ["s".repeat(32)];
const redis = useServers(() => startRedis());

/** @param isNear its link has no faults. */
function client(isNear = false): Redis {
  const made = new Redis(isNear ? redis().primary.direct : redis().primary.via);
  onTestFinished(() => made.disconnect());
  return made;
}

function sessionsOf(options: Partial<SessionsOptions> = {}): App {
  const made: App = createSessions({ store: redisStore(client()), secrets, ...options });
  onTestFinished(() => made.close());
  return made;
}

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A browser of one site that is served at several ports. */
class Browser {
  cookie = "";

  async get(port: number, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...init.headers, cookie: this.cookie };
    const url = `http://127.0.0.1:${port}${path}`;
    const answer = await fetch(url, { redirect: "manual", ...init, headers });
    for (const set of answer.headers.getSetCookie()) this.cookie = set.split(";")[0] ?? "";
    return answer;
  }

  async text(port: number, path: string, init?: RequestInit): Promise<string> {
    return (await this.get(port, path, init)).text();
  }
}

function accounts(use: RequestHandler, routes: (app: Express) => void): Express {
  const app = express();
  app.use(use);
  routes(app);
  return app;
}

/** Whether a login that is redirected to another server, which is nearer to the store, is known there. */
async function lostLogins(app: (at: number) => Express, rounds: number): Promise<number> {
  const ports = [await serve(app(0)), await serve(app(1))] as const;
  let lost = 0;
  for (let round = 0; round < rounds; round++) {
    const browser = new Browser();
    const answer = await browser.get(ports[0], "/login");
    expect(answer.status).toBe(302);
    if ((await browser.text(ports[1], "/me")) !== "ann") lost++;
  }
  return lost;
}

test("a login that redirects to another server is known there, 20 of 20, with a store 20 ms away", async () => {
  await redis().primary.link.latency(20);
  const lost = await lostLogins((at) => {
    const sessions = sessionsOf({ store: redisStore(client(at === 1)) });
    return accounts(sessions.express(), (app) => {
      app.get("/login", async (request, response) => {
        await sessions.of(request).login("ann");
        response.redirect("/me");
      });
      app.get("/me", async (request, response) => {
        response.send((await sessions.of(request).load()).userId ?? "nobody");
      });
    });
  }, 20);
  expect(lost).toBe(0);
});

test("the same under express-session is lost: the test sees it", async () => {
  await redis().primary.link.latency(20);
  const lost = await lostLogins((at) => {
    const store = toExpressSessionStore(redisStore(client(at === 1)), session.Store);
    const use = session({ store, secret: "s", resave: false, saveUninitialized: false });
    return accounts(use, (app) => {
      app.get("/login", (request, response) => {
        Object.assign(request.session, { user: "ann" });
        response.redirect("/me");
      });
      app.get("/me", (request, response) => {
        response.send(Reflect.get(request.session, "user") ?? "nobody");
      });
    });
  }, 5);
  expect(lost).toBeGreaterThan(0);
});

test("Passport logs in, keeps the user over servers, and logs out", async () => {
  const authenticator = new passport.Passport();
  authenticator.use(
    new Strategy((name, password, done) => {
      if (password === "right") done(null, { name });
      else done(null, false);
    }),
  );
  authenticator.serializeUser((user, done) => done(null, user));
  authenticator.deserializeUser<Express.User>((user, done) => done(null, user));
  const app = () => {
    const sessions = sessionsOf({ load: "eager" });
    return accounts(sessions.express(), (routes) => {
      routes.use(express.urlencoded());
      routes.use(authenticator.session() as RequestHandler);
      const login = authenticator.authenticate("local", { successRedirect: "/me" });
      routes.post("/login", login as RequestHandler);
      routes.get("/me", (request, response) => void response.json(request.user ?? null));
      routes.post("/logout", (request, response, next) => {
        request.logout((error) => (error ? next(error) : response.redirect("/me")));
      });
    });
  };
  const [one, other] = [await serve(app()), await serve(app())];
  const browser = new Browser();
  const form = (password: string): RequestInit => ({
    method: "POST",
    body: new URLSearchParams({ username: "ann", password }),
  });
  expect((await browser.get(one, "/login", form("wrong"))).status).toBe(401);
  expect((await browser.get(one, "/login", form("right"))).status).toBe(302);
  expect(await browser.text(other, "/me")).toBe('{"name":"ann"}');
  const before = browser.cookie;
  expect((await browser.get(other, "/logout", { method: "POST" })).status).toBe(302);
  expect(await browser.text(one, "/me")).toBe("null");
  browser.cookie = before;
  expect(await browser.text(one, "/me")).toBe("null");
});

test("over HTTP/2 the head waits for the store as well", async () => {
  await redis().primary.link.latency(20);
  const sessions = sessionsOf();
  const use = sessions.express();
  const server = createHttp2Server((request, response) => {
    use(request as never, response as never, async () => {
      const { pathname } = new URL(request.url, "http://a");
      const own = sessions.of(request as never);
      if (pathname === "/set") own.set("n", 5);
      if (pathname === "/stream") response.write("first ");
      response.end(String((await own.get("n")) ?? "nothing"));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const browser = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    browser.destroy();
    server.close();
  });
  const get = async (path: string, cookie = "") => {
    const stream = browser.request({ ":path": path, cookie });
    const [headers] = await once(stream, "response");
    let body = "";
    for await (const chunk of stream.setEncoding("utf8")) body += chunk;
    return { headers, body };
  };
  const set = await get("/set");
  const [cookie] = set.headers["set-cookie"][0].split(";");
  expect(set.body).toBe("5");
  expect((await get("/", cookie)).body).toBe("5");
  expect((await get("/stream", cookie)).body).toBe("first 5");
});

test("a WebSocket has the session of its upgrade, and is closed when that ends elsewhere", async () => {
  const [sessions, elsewhere] = [sessionsOf(), sessionsOf()];
  const own = elsewhere.open(undefined);
  await own.login("ann");
  const cookie = own.takeCookie()?.split(";")[0] ?? "";
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer().listen(0, "127.0.0.1");
  server.on("upgrade", async (request, socket, head) => {
    const opened = await sessions.fromUpgrade(request);
    if (opened.userId === undefined) return void socket.destroy();
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      sessions.onRevoked(opened, () => accepted.close(1008));
      accepted.send(`hello ${opened.userId}`);
    });
  });
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [refused] = await once(new WebSocket(url), "error");
  expect(refused).toBeInstanceOf(Error);
  const socket = new WebSocket(url, { headers: { cookie } });
  const [message] = await once(socket, "message");
  expect(String(message)).toBe("hello ann");
  const closed = once(socket, "close");
  // The socket hears of it as soon as its server listens: it may take a moment to connect.
  const watcher = client();
  for (let isHeard = false; !isHeard; ) {
    const [, count] = (await watcher.call("pubsub", "numsub", "session:gone")) as [string, number];
    isHeard = count > 0;
  }
  expect(await elsewhere.revokeUser("ann")).toBe(1);
  expect((await closed)[0]).toBe(1008);
});

test("anonymous requests, forged cookies and untouched sessions cost Redis nothing, a read one command, a write one", async () => {
  const sessions = sessionsOf();
  const port = await serve(
    accounts(sessions.express(), (app) => {
      app.get("/", (_, response) => void response.send("hello"));
      app.get("/read", async (request, response) => {
        response.json(await sessions.of(request).get("n"));
      });
      app.get("/write", (request, response) => {
        sessions.of(request).set("n", 1);
        response.send("written");
      });
    }),
  );
  const browser = new Browser();
  const commands = async (path: string): Promise<number> => {
    await redis().primary.command("CONFIG", "RESETSTAT");
    await browser.text(port, path);
    const stats = String(await redis().primary.command("INFO", "commandstats"));
    const counted = /cmdstat_(?:hgetall|evalsha|eval|get|set):calls=(\d+)/g;
    return [...stats.matchAll(counted)].reduce((sum, [, calls]) => sum + Number(calls), 0);
  };
  expect(await commands("/")).toBe(0);
  expect(await commands("/read")).toBe(0);
  browser.cookie = `__Host-sid=${"A".repeat(43)}.${"B".repeat(43)}`;
  expect(await commands("/read")).toBe(0);
  browser.cookie = "";
  await browser.text(port, "/write");
  expect(await commands("/")).toBe(0);
  expect(await commands("/read")).toBe(1);
  expect(await commands("/write")).toBeLessThanOrEqual(2);
  expect(await commands("/write")).toBe(1);
});
