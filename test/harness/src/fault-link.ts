import type { Direction } from "./fault-lane.ts";

/**
 * The controls of one network link. Faults combine (latency and a rate limit, say); `open` clears
 * them all. They act on the connections that are there and on those to come, but for `resetAll`,
 * which acts once. `up` is from the client to the server.
 */
export interface FaultLink {
  /** Heals the link. What was held or slowed is delivered at once; nothing was lost meanwhile. */
  open(): void;
  /** New connections are reset as soon as they are accepted; those that are there stay. */
  refuse(): void;
  /** A partition: sockets stay open, nothing passes in `direction`, not even the end of a stream. */
  stall(direction?: Direction | "both"): void;
  /** Every byte arrives `latencyMs` plus up to `jitterMs` later, in order. */
  latency(latencyMs: number, jitterMs?: number): void;
  /** At most `bytesPerSecond` (above 0) in each direction of each connection. */
  limit(bytesPerSecond: number): void;
  /** Resets (RST) every connection that is there now. */
  resetAll(): void;
  /**
   * Each connection is reset after `bytes` more bytes in `direction` (by default "down"): the other
   * side gets exactly these if it reads them as they come, as a reset purges what is still on its way.
   */
  resetAfter(bytes: number, direction?: Direction): void;
  readonly stats: LinkStats;
}

export interface LinkStats {
  /** Connections open now. */
  readonly connections: number;
  /** Connections accepted since the start. */
  readonly accepted: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}
