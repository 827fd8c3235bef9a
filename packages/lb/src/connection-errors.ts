/** Why work got no connection to its target. */

import { LbError } from "./errors.ts";

/** `LB_UPSTREAM`: no connection could be opened, so nothing was sent. */
export class ConnectError extends LbError {
  constructor(pool: string, target: string, cause: unknown) {
    const message = `load balancer "${pool}" could not open a connection to ${target}`;
    super("LB_UPSTREAM", message, { pool, target, attempts: 1, cause });
  }
}

/** `LB_OVERLOADED`: all connections to the target are in use. */
export class NoFreeConnectionError extends LbError {
  constructor(pool: string, target: string, max: number, cause: unknown) {
    const state = `all ${max} connections to ${target} are in use`;
    const message = `load balancer "${pool}": ${state}: try again later, or raise max`;
    super("LB_OVERLOADED", message, { pool, target, cause });
  }
}
