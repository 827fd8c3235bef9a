// A reverse proxy in Express, in front of three servers. One of them dies.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createLoadBalancer } from "@headroom/lb";
import express from "express";

const servers = await Promise.all(["a", "b", "c"].map(userService));
const lb = createLoadBalancer({ name: "users", targets: servers.map(urlOf) });

const app = express();
app.get("/healthz", (_, response) => response.json(lb.stats().targets.length));
// "/api/users/7" is "/users/7" there. What the client claims in X-Forwarded-For is not believed.
app.use("/api", lb.proxy({ trustProxy: false }));
const proxy = app.listen(0, "127.0.0.1");
await once(proxy, "listening");

let failed = 0;
for (let request = 0; request < 300; request++) {
  if (request === 100) kill(servers[0]);
  const response = await fetch(`${urlOf(proxy)}/api/users/${request}`);
  const user = (await response.json()) as { path?: string };
  if (user.path !== `/users/${request}`) failed++;
}
console.log(`${failed} of 300 requests failed`);

proxy.close();
proxy.closeAllConnections();
await lb.close();
for (const server of servers) kill(server);

async function userService(name: string): Promise<Server> {
  const server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ name, path: request.url }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function kill(server: Server | undefined): void {
  server?.close();
  server?.closeAllConnections();
}

// Prints:
// 0 of 300 requests failed
