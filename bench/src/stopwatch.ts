/** What a turn is measured with; a test passes its own. */
export interface Stopwatch {
  /** Milliseconds since an arbitrary start. */
  wallMs(): number;
  /** CPU time of this whole process, user and system, in microseconds. */
  cpuUs(): number;
  /** Leaves no garbage of the last turn for the next one to pay for. */
  settle(): void;
}

export const systemStopwatch: Stopwatch = {
  wallMs: () => performance.now(),
  cpuUs: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  // There under --expose-gc, which start.ts passes.
  settle: () => globalThis.gc?.(),
};
