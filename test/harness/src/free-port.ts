import { createServer } from "node:net";
import { LOOPBACK } from "./endpoint.ts";

/**
 * Ports below the kernel's ephemeral range (32768 and up on Linux): while a killed server is down,
 * no outgoing connection can be given its port, so it can be started again where it was.
 */
const LOWEST = 15_000;
const HIGHEST = 32_000;

const given = new Set<number>();

/** A port of the loopback interface that nobody listens on, and that is given only once. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1000; tries += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`No free port between ${LOWEST} and ${HIGHEST} on ${LOOPBACK}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
  });
}
