/** A place for a statement: a connection to a server, and why it is this one. */

import type { Lease } from "../topology/lease.ts";
import type { Route } from "./route-log.ts";

export interface Seat extends Route {
  readonly lease: Lease;
  /** When it was taken, of the monotonic clock. */
  readonly sinceMs: number;
  /** A read that the primary makes in place of a replica. */
  readonly isStandIn: boolean;
}
