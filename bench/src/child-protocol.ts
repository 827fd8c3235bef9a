/** What the runner tells a variant's process, one order at a time, and what comes back. */
export type Order =
  /** Declares the area again, finds the variant and opens it. */
  | {
      readonly order: "open";
      readonly areaFile: string;
      readonly caseName: string;
      readonly variant: string;
      readonly shared: unknown;
    }
  /** Client: runs so many operations and measures them. */
  | { readonly order: "turn"; readonly operations: number }
  /** Server: reads its CPU time. */
  | { readonly order: "cpu" };

export type Answer =
  | { readonly answer: "opened"; readonly address: unknown }
  | { readonly answer: "turned"; readonly turn: ClientTurn }
  | { readonly answer: "cpu"; readonly cpuUs: number }
  | { readonly answer: "failed"; readonly error: unknown };

export interface ClientTurn {
  readonly cpuUs: number;
  readonly wallMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
