import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createSessions } from "@headroom/session";
import { redisStore } from "@headroom/session/redis";
import express from "express";
import { Redis } from "ioredis";

const redis = new Redis(process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379");

const sessions = createSessions<{ cart: string[] }>({
  store: redisStore(redis),
  secrets: [process.env["SESSION_SECRET"] ?? "32 characters or more, kept secret"],
  cookie: { secure: false }, // for development without TLS
});

const app = express();
app.use(sessions.express());

app.post("/login/:user", async (request, response) => {
  await sessions.of(request).login(request.params.user); // a new id; stored before the redirect leaves
  response.redirect(303, "/");
});
app.post("/cart/:item", async (request, response) => {
  const { item } = request.params;
  response.json(await sessions.of(request).update("cart", (cart = []) => [...cart, item]));
});
app.post("/logout", async (request, response) => {
  await sessions.of(request).logout();
  response.redirect(303, "/");
});
app.get("/", async (request, response) => {
  const session = await sessions.of(request).load();
  response.send(`${session.userId ?? "nobody"} has ${session.peek("cart")?.length ?? 0} things`);
});

// A browser: twenty requests at the same time, and one that leaves.
const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
let cookie = "";
await send("POST", "/login/ann");
await Promise.all(Array.from({ length: 20 }, (_, n) => send("POST", `/cart/thing-${n}`)));
console.log(await send("GET", "/"));
await send("POST", "/logout");
console.log(await send("GET", "/"));

server.close();
server.closeAllConnections();
await sessions.close();
redis.disconnect();

async function send(method: string, path: string): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}${path}`;
  const response = await fetch(url, { method, headers: { cookie }, redirect: "manual" });
  cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
  return response.text();
}
