import { createServer } from "node:net";
import { LOOPBACK } from "./endpoint.ts";

/**
 * Ports below the kernel's ephemeral range (32768 and up on Linux): while a killed server is down,
 * no outgoing connection can be given its port, so it can be started again where it was.
 */
const LOWEST = 15_000;

/**
 * Test files that run side by side each have a range of their own: the port of a server that is down
 * for a moment is free to all who ask, and must not be given to another file's server. The number of
 * the vitest process, the same for all its workers, keeps two runs at the same time apart mostly.
 */
const PORTS = 1000;
const RANGES = 17;
const RANGE = (process.ppid + Number(process.env["VITEST_POOL_ID"] ?? 0)) % RANGES;
const FIRST = LOWEST + RANGE * PORTS;

const given = new Set<number>();

/** A port of the loopback interface that nobody listens on, and that is given only once. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1000; tries += 1) {
    const port = FIRST + Math.floor(Math.random() * PORTS);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`No free port from ${FIRST} to ${FIRST + PORTS - 1} on ${LOOPBACK}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
  });
}
