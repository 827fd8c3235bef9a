import type { HttpBehaviour } from "./http-behaviour.ts";

/** What a test process and its HTTP backend say to each other over IPC. */

/** Given to the backend's process as its only argument, in JSON. */
export interface BackendSettings {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Where the pattern of a `share` begins, from 0 to 1 (1 excluded). */
  readonly phase: number;
}

export type BackendCommand =
  /** Acknowledged when the next request will meet the new behaviour. */
  | { readonly kind: "behave"; readonly behaviours: readonly HttpBehaviour[] }
  | { readonly kind: "stats" }
  /** Healthy again, all counts 0, all connections closed. */
  | { readonly kind: "reset" };

export type ToBackend = BackendCommand & { readonly id: number };

/** Each command is answered with the stats after it. */
export type FromBackend =
  | { readonly kind: "listening" }
  | { readonly kind: "done"; readonly id: number; readonly stats: HttpBackendStats };

/** What one backend process has seen since it began or was reset. */
export interface HttpBackendStats {
  /** Requests whose headers have arrived. */
  readonly requests: number;
  /** Of them, those that are neither answered to the end nor broken off by either side. */
  readonly inFlight: number;
  /** Of them, those that the client broke off before the end of the reply. */
  readonly abortedByClient: number;
  /** TCP connections open now. */
  readonly connections: number;
  /** TCP connections accepted. */
  readonly accepted: number;
  /** Ended replies by the status in their headers, also those that were broken off after them. */
  readonly byStatus: Readonly<Record<number, number>>;
}
