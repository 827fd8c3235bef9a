import type { Engine } from "../topology/engine.ts";
import type { MaxLag } from "./readers.ts";

/** What the router goes by, checked and complete. */
export interface RouterSettings {
  /** The pool's name, in events and errors. */
  readonly name: string;
  readonly engine: Engine;
  readonly consistency: "session" | "eventual" | "strong";
  readonly maxLag: MaxLag;
  /** How long a read waits for a replica to catch up before it goes to the primary; 0 not at all. */
  readonly waitMs: number;
  /** How long a statement waits for a server that may take it. */
  readonly failoverMs: number;
  readonly tokenMaxAgeMs: number;
  /** Most reads at a time that the primary makes because no replica can. */
  readonly mostStandIns: number;
}
