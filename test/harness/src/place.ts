/**
 * A place where servers run: this machine's own binaries, or containers of a Docker engine.
 *
 * The two differ in nothing a test can see. A server is a shell script that makes its data on its
 * first run and then becomes the server by `exec`; the local place runs it in a directory of its own
 * with the binaries on the PATH, the Docker place runs the very same script in a container on the
 * host's network. Addresses, ports, replication and the fault proxies are therefore the same.
 */
export interface Place {
  readonly kind: "local" | "docker";
  /** Prepares a server; nothing runs before `start`. */
  create(program: Program): ServerProcess;
}

/** A server that does not end by its own signal in this time is killed. */
export const END_WITHIN_MS = 10_000;

export type Engine = "postgres" | "redis";

export interface Program {
  /** Names the server within this run, such as "pg1"; made unique by a number. */
  readonly name: string;
  readonly engine: Engine;
  /** Run by `sh -ec` in the server's own directory; the last command is an `exec`. */
  readonly script: string;
  /** What makes the server end politely. */
  readonly stopSignal: "SIGINT" | "SIGTERM";
  /** What ends it at once when its data no longer matters, and still frees what the kernel holds. */
  readonly quitSignal: "SIGQUIT" | "SIGKILL";
}

/** One server process, over as many lives as a test gives it. */
export interface ServerProcess {
  /** Runs the script. Resolves when it has been started, not yet when the server answers. */
  start(): Promise<void>;
  /** Asks it to end and waits until it has, or kills it after {@link END_WITHIN_MS}. */
  stop(): Promise<void>;
  kill9(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  logs(): Promise<string>;
  /** False once the process has ended by itself, before or after it answered. */
  isRunning(): Promise<boolean>;
  /** Ends it in whatever state it is and removes its data. */
  destroy(): Promise<void>;
}
