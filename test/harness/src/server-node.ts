import type { Endpoint } from "./endpoint.ts";
import type { FaultLink } from "./fault-link.ts";

/** One server of a test, and everything that can be done to it. */
export interface ServerNode {
  readonly name: string;
  /** The server itself: for benchmarks and for looking behind a fault. The port never changes. */
  readonly direct: Endpoint;
  /** The same server through its fault proxy: what a test gives to the code under test. */
  readonly via: Endpoint;
  /** The faults of the link behind `via`. */
  readonly link: FaultLink;
  /** What the server says it is, such as "PostgreSQL 15.18" or "Redis 7.0.15". */
  version(): Promise<string>;
  /** Starts a stopped or killed server on its old port and data; resolves when it answers. */
  start(): Promise<void>;
  /** Ends it in its polite way and waits for its exit; after 10 s it is killed. */
  stop(): Promise<void>;
  /** SIGKILL to the whole process tree, at once. Does not lose what the kernel has buffered. */
  kill9(): Promise<void>;
  /** `stop`, then `start`. */
  restart(): Promise<void>;
  /** SIGSTOP to the whole process tree: it accepts connections and never answers. Only if it runs. */
  pause(): Promise<void>;
  /** Lets a paused server go on. Does nothing to another. */
  resume(): Promise<void>;
  /** What it has printed so far. */
  logs(): Promise<string>;
}
