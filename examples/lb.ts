import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createLoadBalancer } from "@headroom/lb";

// Three web servers; one of them answers every request with 500, at once.
const servers = await Promise.all([200, 200, 500].map(webServer));

const lb = createLoadBalancer({ name: "users", targets: servers.map(({ url }) => url) });

// `fetch` with a path; it is an undici dispatcher too: `fetch(url, { dispatcher: lb })`.
let failed = 0;
for (let request = 0; request < 1_000; request++) {
  const response = await lb.fetch(`/users/${request}`);
  if (!response.ok) failed++;
  await response.text();
}

const [bad] = lb.stats().targets.filter(({ failures }) => failures > 0);
console.log(`${failed} of 1000 requests failed`);
console.log(`the bad server was asked less than 50 times: ${Number(bad?.requests) < 50}`);

await lb.close();
for (const { close } of servers) close();

async function webServer(status: number): Promise<{ url: string; close: () => void }> {
  const server = createServer((_, response) => response.writeHead(status).end("hello"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}
