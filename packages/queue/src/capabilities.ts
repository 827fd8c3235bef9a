/**
 * What a driver can do, as data and as types.
 *
 * A queue on Redis can delay a job; a broker that only hands messages on cannot. Other libraries take
 * the option and ignore it, and the job runs at once. Here every difference between drivers is a field
 * of {@link Capabilities}: the types leave out what the driver cannot do, so that asking for it does
 * not compile; and where there are no types, `createQueues` throws `QUEUE_UNSUPPORTED` at boot. The
 * conformance suite tests a capability that is claimed, and that it is refused where it is not.
 */

export interface Capabilities {
  /** A job may become ready later: up to so many milliseconds, `Infinity` for any, 0 for not at all. */
  readonly delayMs: number;
  /** How many priorities there are; 1 is none. The highest number goes first. */
  readonly priorities: number;
  /** Jobs of one key run one after the other, in the order in which they were added. */
  readonly keys: boolean;
  /** A job is not added while another one with the same dedup key lives. */
  readonly dedup: boolean;
  /** A lease lasts as long as it is extended. False: as long as the connection that holds it. */
  readonly extend: boolean;
  /** Limits that hold for all processes together: concurrency and rate of a queue and of a key. */
  readonly limits: boolean;
  /** Adding is refused when so many jobs wait. */
  readonly maxBacklog: boolean;
  /** What a handler returned can be read, and waited for. */
  readonly results: boolean;
  /** Jobs that were given up are kept, listed and redriven. */
  readonly deadLetters: boolean;
  /** Jobs can be found, cancelled and purged; queues paused and resumed; progress reported. */
  readonly admin: boolean;
  /** A schedule fires once for all processes. */
  readonly schedules: boolean;
  /** A parent waits for its children. */
  readonly flows: boolean;
  /** Jobs are added and completed in a transaction of the application's. */
  readonly transactions: boolean;
  /**
   * What an acknowledged job survives: `memory` nothing; `async-fsync` the end of the server's
   * process, and of the machine but for the last moment, if the server is set up to; `fsync` also the
   * machine's.
   */
  readonly durability: "memory" | "async-fsync" | "fsync";
}

/** Everything a driver of ours can do. */
export interface FullCapabilities extends Capabilities {
  readonly keys: true;
  readonly dedup: true;
  readonly extend: true;
  readonly limits: true;
  readonly maxBacklog: true;
  readonly results: true;
  readonly deadLetters: true;
  readonly admin: true;
  readonly schedules: true;
  readonly flows: true;
}

/** What all drivers of ours have in common: everything but transactions, and how much lasts. */
export const FULL_CAPABILITIES: Omit<FullCapabilities, "transactions" | "durability"> = {
  delayMs: Number.POSITIVE_INFINITY,
  priorities: 10,
  keys: true,
  dedup: true,
  extend: true,
  limits: true,
  maxBacklog: true,
  results: true,
  deadLetters: true,
  admin: true,
  schedules: true,
  flows: true,
};
