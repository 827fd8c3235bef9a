/**
 * What every library is asked to do: hand over jobs of 100 bytes, one by one and in bulk, and work on
 * them with a handler that does nothing. What is done is deleted, as in ours; all else is as its
 * documentation has it, and where it names a faster way for the case, that one.
 */

import type { Endpoint } from "@headroom/harness";

export interface QueueServer {
  readonly redis: Endpoint;
  /** Of a database that is new in this turn. */
  readonly postgres: string;
}

export interface OpenedQueue {
  add(index: number): Promise<unknown>;
  /** The jobs `from` to `from + count - 1`. */
  addBulk(from: number, count: number): Promise<unknown>;
  /** Starts a worker; `onJob` is told each job whose handler is called. */
  work(concurrency: number, onJob: (index: number) => void): Promise<StopWorker> | StopWorker;
  /** How many jobs are not done. */
  left(): Promise<number>;
}

/** Resolves when what it has begun is done and acknowledged. */
export type StopWorker = () => Promise<unknown>;

export type OpenQueue = (
  server: QueueServer,
  resources: AsyncDisposableStack,
) => Promise<OpenedQueue>;

/** 100 bytes of JSON with its number. */
export interface Payload {
  readonly index: number;
  readonly text: string;
}

export function payload(index: number): Payload {
  return { index, text: "x".repeat(79 - String(index).length) };
}

export function payloads(from: number, count: number): Payload[] {
  return Array.from({ length: count }, (_, at) => payload(from + at));
}
