// Targets from DNS. A server that joins gets requests; those that stay keep all that is known of them.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createLoadBalancer, srvTargets } from "@headroom/lb";

const servers = await Promise.all([webServer(), webServer(), webServer()]);

// Stands in for the name server, so that this runs anywhere: leave `resolver` out to ask the system's.
let announced = servers.slice(0, 2);
const resolver = {
  resolveSrv: async () => announced.map(srvRecord),
  resolve4: async () => [{ address: "127.0.0.1", ttl: 1 }],
  resolve6: async () => [],
};

const lb = createLoadBalancer({
  name: "users",
  targets: srvTargets({ name: "_http._tcp.users.internal", resolver, maxTtlMs: 1_000 }),
});
await lb.ready();
await use();

announced = servers;
while (lb.stats().targets.length < 3) await new Promise((resolve) => setTimeout(resolve, 50));
await use();
const requests = lb.stats().targets.map((target) => target.requests);
console.log(`all were used: ${requests.every((count) => count > 0)}`);
console.log(`nothing was forgotten: ${requests.reduce((sum, count) => sum + count)} requests`);

await lb.close();
for (const server of servers) server.close();

async function use(): Promise<void> {
  let ok = 0;
  for (let request = 0; request < 100; request++) {
    const response = await lb.fetch("/");
    if (response.ok) ok++;
    await response.text();
  }
  console.log(`${lb.stats().targets.length} targets, ${ok} of 100 requests answered`);
}

function srvRecord(server: Server) {
  const { port } = server.address() as AddressInfo;
  return { name: "users.internal", port, priority: 0, weight: 1 };
}

async function webServer(): Promise<Server> {
  const server = createServer((_, response) => response.end("hello"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

// Prints:
// 2 targets, 100 of 100 requests answered
// 3 targets, 100 of 100 requests answered
// all were used: true
// nothing was forgotten: 200 requests
