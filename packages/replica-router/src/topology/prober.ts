/**
 * Looks at one server, over a connection of its own: a pool whose connections are all in use says
 * nothing about the server behind it.
 *
 * One look at a time. Who asks while one is under way gets the next one, together with everybody else
 * who asks by then: what is wanted is a look that began *after* the question, so that its answer says
 * something about what has happened before.
 */

import type { Clock, Timer } from "@headroom/core/clock";
import { DeadlineExceededError } from "@headroom/core/deadline";
import type { ConnectionConfig, PgClient, PgModule } from "../pg-module.ts";
import { type Engine, questionsOf } from "./engine.ts";
import { type Identity, identityOf, type Observation, observationOf } from "./observation.ts";

export interface ProberOptions {
  readonly pg: PgModule;
  readonly config: ConnectionConfig;
  readonly engine: Engine;
  readonly clock: Clock;
  /** The server's name, for errors. */
  readonly name: string;
  /** A look over an open connection that takes longer has failed. */
  readonly timeoutMs: number;
  /** Called once for each look, before those who asked for it go on. */
  readonly onObserved: (seen: Observation) => void;
  readonly onFailed: (error: unknown) => void;
  /** Its connection has died between two looks: a server that was restarted may be behind where it was seen. */
  readonly onLost?: () => void;
}

interface Connection {
  readonly client: PgClient;
  readonly identity: Identity;
}

/** Connecting takes several round trips, and a server that is busy forks slowly. */
const CONNECT_TIMES = 5;
/** When this process stood still, the answer is there and read next: it gets the chance to be. */
const GRACE_MS = 20;

export class Prober {
  readonly #options: ProberOptions;
  #client: PgClient | undefined;
  /** When its client is connected. */
  #connection: Connection | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Resolves when a look that began after this call is over, whether it succeeded or not. */
  look(): Promise<void> {
    // Between two looks the next one is asked for already.
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#start();
    this.#next = this.#running.then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  get isLooking(): boolean {
    return this.#running !== undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  #start(): Promise<void> {
    const running = this.#look().finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #look(): Promise<void> {
    if (this.#isClosed) return;
    try {
      const seen = await this.#observe();
      if (!this.#isClosed) this.#options.onObserved(seen);
    } catch (error) {
      this.#drop();
      if (!this.#isClosed) this.#options.onFailed(error);
    }
  }

  async #observe(): Promise<Observation> {
    const { clock, timeoutMs, name } = this.#options;
    const limitMs = this.#connection === undefined ? timeoutMs * CONNECT_TIMES : timeoutMs;
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      const expire = (): void => reject(new DeadlineExceededError(`a look at ${name}`, limitMs));
      timer = clock.timer(() => {
        timer = clock.timer(expire, GRACE_MS);
      }, limitMs);
    });
    try {
      return await Promise.race([this.#ask(), late]);
    } finally {
      timer?.cancel();
    }
  }

  async #ask(): Promise<Observation> {
    const { clock } = this.#options;
    const askedMs = clock.monotonicNow();
    const { client, identity } = this.#connection ?? (await this.#connect());
    const { rows } = await client.query(questionsOf(this.#options.engine).position);
    return observationOf(identity, rows[0], { askedMs, answeredMs: clock.monotonicNow() });
  }

  async #connect(): Promise<Connection> {
    const { pg, config, engine } = this.#options;
    const { identity } = questionsOf(engine);
    const client = new pg.Client(config);
    // Kept at once, so that a look that takes too long ends it. Its failures are the look's.
    this.#client = client;
    client.on("error", () => {
      if (this.#client === client && !this.isLooking) this.#options.onLost?.();
    });
    client.unref?.();
    await client.connect();
    const connection = { client, identity: identityOf((await client.query(identity)).rows[0]) };
    if (this.#client === client) this.#connection = connection;
    return connection;
  }

  #drop(): void {
    this.#client?.connection.stream.destroy();
    this.#client = undefined;
    this.#connection = undefined;
  }
}
