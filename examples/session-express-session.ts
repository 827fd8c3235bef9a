// Stock express-session, unchanged, with a store that loses no write and brings nothing back.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { toExpressSessionStore } from "@headroom/session/express-session";
import { redisStore } from "@headroom/session/redis";
import express from "express";
import session from "express-session";
import { Redis } from "ioredis";

declare module "express-session" {
  interface SessionData {
    [page: `page-${number}`]: true;
  }
}

const redis = new Redis(process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379");
const app = express();
app.use(
  session({
    store: toExpressSessionStore(redisStore(redis), session.Store),
    secret: process.env["SESSION_SECRET"] ?? "32 characters or more, kept secret",
    resave: false,
    saveUninitialized: false,
  }),
);
app.get("/page/:n", (request, response) => {
  request.session[`page-${Number(request.params.n)}`] = true;
  response.send("seen");
});
app.get("/", ({ session: { cookie: _, ...pages } }, response) => {
  response.send(`${Object.keys(pages).length} pages seen`);
});

const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
let cookie = "";
const get = async (path: string): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } });
  cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
  return response.text();
};
await get("/page/0");
await Promise.all(Array.from({ length: 20 }, (_, n) => get(`/page/${n + 1}`)));
console.log(await get("/"));

server.close();
server.closeAllConnections();
redis.disconnect();

// Prints:
// 21 pages seen
