// Connections of any protocol, one pool a server: here lines of text over TCP.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { pooled } from "@headroom/lb/balancer";

const servers = await Promise.all(["a", "b"].map(greeter));

const greeters = pooled({
  name: "greeters",
  targets: servers.map((server, n) => ({ id: `greeter-${n}`, target: portOf(server) })),
  // It aborts when connecting takes too long.
  create: async (port, signal) => {
    const socket = connect({ port, host: "127.0.0.1" });
    await once(socket, "connect", { signal });
    return socket;
  },
  destroy: (socket) => socket.destroy(),
  validate: (socket) => !socket.destroyed,
  max: 2,
});

const names = Array.from({ length: 20 }, (_, n) => `user ${n}`);
const greetings = await Promise.all(
  names.map((name) => greeters.use((socket) => ask(socket, name), { idempotent: true })),
);
console.log(greetings.every((greeting, n) => greeting === `hello, user ${n}`));
const open = greeters.stats().targets.map(({ connections }) => connections.open);
console.log(`at most two connections to each: ${open.every((count) => count <= 2)}`);

await greeters.close();
for (const server of servers) server.close();

/** One line there, one line back: the whole protocol. */
async function ask(socket: Socket, name: string): Promise<string> {
  socket.write(`${name}\n`);
  const [line] = await once(socket, "data");
  return String(line).trimEnd();
}

async function greeter(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("data", (line) => socket.write(`hello, ${line}`));
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

// Prints:
// true
// at most two connections to each: true
