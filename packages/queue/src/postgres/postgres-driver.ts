/**
 * The queue in PostgreSQL.
 *
 * Each operation is one statement, and each statement one transaction, in which functions of ours do
 * what is to be done in one step: settling a batch and claiming the next is one round trip. What they
 * do is written at the head of the files in which they are: `enqueue-functions`, `claim-functions`,
 * `settle-functions`. The time is the server's.
 *
 * Durable is what the server makes durable: a commit that waits for the disk (`synchronous_commit`).
 *
 * The pool is the application's: whatever is lost with a connection (a failover, a terminated backend)
 * is told as `QUEUE_UNAVAILABLE`, and the next call takes another one.
 */

import { randomBytes } from "node:crypto";
import { type Clock, systemClock } from "@headroom/core/clock";
import { withDeadline } from "@headroom/core/deadline";
import {
  requireBoolean,
  requireClock,
  requireFunction,
  requireKnownOptions,
  requireMethods,
  requirePositive,
} from "@headroom/core/options";
import { type PostgresPool, postgresArray } from "@headroom/core/postgres-client";
import { type Random, systemRandom } from "@headroom/core/random";
import type { FullCapabilities } from "../capabilities.ts";
import type {
  Claim,
  ClaimRequest,
  Enqueued,
  Lease,
  LeaseState,
  NewJob,
  QueueDriver,
  QueueSettings,
  QueueStats,
  Settled,
  Settlement,
  SettleOptions,
  Subscription,
  Swept,
} from "../driver.ts";
import type { Flows, JobAdmin, Schedules } from "../driver-powers.ts";
import { QueueError } from "../errors.ts";
import { requireSupportedJob } from "../memory/supported.ts";
import { Claims } from "./claims.ts";
import { EnqueueBatches } from "./enqueue-batches.ts";
import { JobEvents } from "./job-events.ts";
import { ADD_PARAMETERS, addValues, leaseOf, outcomesOf, parentOf } from "./job-rows.ts";
import { Listener, type OpenConnection } from "./listener.ts";
import { listeningOn, type PostgresListen } from "./listening-connection.ts";
import { type EventKind, Notifier } from "./notifier.ts";
import { OldTransactions } from "./old-transactions.ts";
import { postgresAdmin } from "./postgres-admin.ts";
import { postgresFlows } from "./postgres-flows.ts";
import { postgresSchedules } from "./postgres-schedules.ts";
import { DEFAULT_SCHEMA } from "./queue-migrations.ts";
import { readStats, statsText } from "./queue-stats.ts";
import { ENDS, SETTLE_PARAMETERS, settleOutcomes, settleValues } from "./settlements.ts";
import { type Row, Statements } from "./statements.ts";
import { transactionOf } from "./transactions.ts";

export interface PostgresCapabilities extends FullCapabilities {
  readonly transactions: true;
  readonly durability: "fsync";
}

export interface PostgresDriverOptions {
  /** Of its own, for its tables and functions. @default "headroom_queue" */
  readonly schema?: string | undefined;
  /** Makes the tables when they are first needed. False: `migrations()` is run otherwise. @default true */
  readonly migrate?: boolean | undefined;
  /**
   * The connection on which it listens: `() => new pg.Client(url)`, past PgBouncer. False: none, jobs
   * are found by polling.
   * @default one of the pool's connections, if the pool has more than one
   */
  readonly listen?: PostgresListen | undefined;
  /** How often it is looked for jobs that nobody has told of, on average, in milliseconds. @default 1_000 */
  readonly pollMs?: number | undefined;
  /** Between two notifications of this process, in milliseconds. @default 20 */
  readonly notifyEveryMs?: number | undefined;
  /** How often the listening connection is asked whether it is alive, in milliseconds. @default 3_000 */
  readonly checkEveryMs?: number | undefined;
  /** For each statement, with the wait for a connection, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number | undefined;
  /** A transaction open for so long is told of on `headroom.queue.vacuum_held`, in milliseconds. @default 300_000 */
  readonly oldTransactionMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

export interface PostgresDriver extends QueueDriver<PostgresCapabilities> {
  readonly admin: JobAdmin;
  readonly schedules: Schedules;
  readonly flows: Flows;
  /** Makes the tables, if there are none; by itself it is done when they are first needed. */
  migrate(): Promise<void>;
  /** Tells workers of what a transaction has added, after its commit; a poll would find it later. */
  notify(queue: string): void;
  /**
   * For `outboxRelay`: leases jobs to be forwarded, if `owner` is the one of all processes that may, for
   * as long as the leases last. Their attempts are not spent by it.
   */
  claimToForward(
    queue: QueueSettings,
    owner: string,
    request: ClaimRequest,
  ): Promise<Claim | undefined>;
}

const KNOWN: readonly (keyof PostgresDriverOptions)[] = [
  ...(["schema", "migrate", "listen", "pollMs", "notifyEveryMs", "checkEveryMs"] as const),
  ...(["timeoutMs", "oldTransactionMs", "clock", "random"] as const),
];

/**
 * Keeps jobs in PostgreSQL 13 or later. The application makes the pool (of `pg`, or one like it), and ends it.
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function postgresDriver(
  pool: PostgresPool,
  options: PostgresDriverOptions = {},
): PostgresDriver {
  return new InPostgres(pool, options);
}

const CAPABILITIES: PostgresCapabilities = {
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
  transactions: true,
  durability: "fsync",
};

class InPostgres implements PostgresDriver {
  readonly name = "postgresql";
  readonly capabilities: PostgresCapabilities = CAPABILITIES;
  readonly admin: JobAdmin;
  readonly schedules: Schedules;
  readonly flows: Flows;
  readonly #statements: Statements;
  readonly #claims: Claims;
  readonly #batches: EnqueueBatches;
  readonly #events: JobEvents;
  readonly #notifier: Notifier;
  readonly #oldTransactions: OldTransactions;
  readonly #openConnection: (() => Promise<OpenConnection>) | undefined;
  readonly #listening: {
    readonly checkEveryMs: number;
    readonly timeoutMs: number;
    readonly clock: Clock;
    readonly random: Random;
  };
  readonly #working = new Set<Promise<unknown>>();
  #listener: Listener | undefined;
  #closed = false;

  constructor(pool: PostgresPool, options: PostgresDriverOptions) {
    requireKnownOptions("postgresDriver", options, KNOWN);
    requireMethods<PostgresPool>("pool", pool, ["query", "connect"]);
    const clock = requireClock("clock", options.clock ?? systemClock);
    const random = requireFunction("random", options.random ?? systemRandom);
    const timeoutMs = requirePositive("timeoutMs", options.timeoutMs ?? 10_000);
    const origin = randomBytes(6).toString("hex");
    this.#statements = new Statements({
      pool,
      schema: options.schema ?? DEFAULT_SCHEMA,
      migrate: requireBoolean("migrate", options.migrate ?? true),
      timeoutMs,
      clock,
    });
    const run = (queue: string, text: string, values: unknown[]): Promise<readonly Row[]> =>
      this.#run(queue, text, values);
    this.#claims = new Claims(this.#statements.schema, clock);
    this.#batches = new EnqueueBatches((settings, jobs) => this.#enqueue(settings, jobs));
    this.#events = new JobEvents({
      origin,
      pollMs: requirePositive("pollMs", options.pollMs ?? 1_000),
      watch: (queue, ms) => this.#watch(queue, ms),
      clock,
      random,
    });
    this.#notifier = new Notifier({
      origin,
      everyMs: requirePositive("notifyEveryMs", options.notifyEveryMs ?? 20),
      send: (payloads) =>
        this.#statements.run("", "SELECT pg_notify($1, p) FROM unnest($2::text[]) AS p", [
          this.#statements.channel,
          postgresArray(payloads),
        ]),
      clock,
    });
    this.#oldTransactions = new OldTransactions({
      oldMs: requirePositive("oldTransactionMs", options.oldTransactionMs ?? 300_000),
      clock,
      run,
    });
    this.#openConnection = listeningOn(pool, options.listen);
    const checkEveryMs = requirePositive("checkEveryMs", options.checkEveryMs ?? 3_000);
    this.#listening = { checkEveryMs, timeoutMs, clock, random };
    const powers = {
      schema: this.#statements.schema,
      run,
      tell: (kind: EventKind, queue: string, ids?: readonly string[]) =>
        this.#tell(kind, queue, ids),
    };
    this.admin = postgresAdmin(powers);
    this.schedules = postgresSchedules(powers);
    this.flows = postgresFlows(powers);
  }

  migrate(): Promise<void> {
    return this.#statements.migrate();
  }

  notify(queue: string): void {
    this.#tell("ready", queue);
  }

  async enqueue(
    settings: QueueSettings,
    jobs: readonly NewJob[],
    { tx }: { readonly tx?: unknown } = {},
  ): Promise<readonly Enqueued[]> {
    this.#requireOpen(settings.name);
    if (jobs.length === 0) return [];
    for (const job of jobs) requireSupportedJob(this.capabilities, settings.name, job);
    if (tx === undefined) return this.#batches.add(settings, jobs);
    const { name, maxBacklog } = settings;
    const rows = await this.#statements.runIn(
      transactionOf(tx),
      name,
      this.#addText(),
      addValues(name, jobs, { maxBacklog, lock: false }),
    );
    return outcomesOf(jobs, rows);
  }

  async #enqueue(settings: QueueSettings, jobs: readonly NewJob[]): Promise<readonly Enqueued[]> {
    const { name, maxBacklog } = settings;
    const values = addValues(name, jobs, { maxBacklog, lock: true });
    const outcomes = outcomesOf(jobs, await this.#run(name, this.#addText(), values));
    if (jobs.some(({ delayMs }, at) => delayMs <= 0 && outcomes[at]?.outcome === "added")) {
      this.#tell("ready", name);
    }
    return outcomes;
  }

  #addText(): string {
    return `SELECT place, outcome, id FROM ${this.#statements.schema}.add_jobs(${ADD_PARAMETERS})`;
  }

  async claim(settings: QueueSettings, request: ClaimRequest): Promise<Claim> {
    const { text, values, read } = this.#claims.prepare(settings, request, 1);
    const rows = await this.#run(settings.name, `SELECT * FROM ${text}`, values);
    return read(rows);
  }

  async settle(
    settings: QueueSettings,
    settlements: readonly Settlement[],
    { claim, tx }: SettleOptions = {},
  ): Promise<Settled> {
    this.#requireOpen(settings.name);
    if (settlements.length === 0) {
      return { outcomes: [], claim: claim && (await this.claim(settings, claim)) };
    }
    const { name } = settings;
    const values = settleValues(settings, settlements, tx !== undefined);
    const settling = `${this.#statements.schema}.settle(${SETTLE_PARAMETERS}) AS s`;
    if (tx !== undefined) {
      const text = `SELECT s.lost, s.watched, s.again FROM ${settling}`;
      const rows = await this.#statements.runIn(transactionOf(tx), name, text, values);
      return {
        outcomes: this.#settled(settings, settlements, rows[0]),
        claim: claim && (await this.claim(settings, claim)),
      };
    }
    if (claim === undefined) {
      const text = `SELECT s.lost, s.watched, s.again FROM ${settling}`;
      const rows = await this.#run(name, text, values);
      return { outcomes: this.#settled(settings, settlements, rows[0]), claim: undefined };
    }
    const claiming = this.#claims.prepare(settings, claim, values.length + 1, {
      after: "s.watched",
    });
    const rows = await this.#run(
      name,
      `SELECT s.lost, s.watched, s.again, c.* FROM ${settling} CROSS JOIN LATERAL ${claiming.text} AS c`,
      [...values, ...claiming.values],
    );
    return {
      outcomes: this.#settled(settings, settlements, rows[0]),
      claim: claiming.read(rows),
    };
  }

  #settled(
    settings: QueueSettings,
    settlements: readonly Settlement[],
    row: Row | undefined,
  ): Settled["outcomes"] {
    const { name, limits } = settings;
    const outcomes = settleOutcomes(settlements, (row?.["lost"] ?? []) as readonly string[]);
    const ended = settlements
      .filter(({ verdict }, at) => ENDS.has(verdict.kind) && outcomes[at] === "settled")
      .map(({ job }) => job.id);
    if (ended.length > 0) {
      this.#events.tell("ended", name, ended);
      if (row?.["watched"] === true) this.#notifier.tell("ended", name, ended);
    }
    if (row?.["again"] === true || limits.concurrency !== undefined) this.#tell("ready", name);
    return outcomes;
  }

  async extend(
    { name }: QueueSettings,
    leases: readonly Lease[],
    leaseMs: number,
  ): Promise<readonly LeaseState[]> {
    const rows = await this.#run(
      name,
      `SELECT state FROM ${this.#statements.schema}.extend($1, $2::text[], $3::text[], $4::float8)
        ORDER BY place`,
      [
        name,
        postgresArray(leases.map(({ id }) => id)),
        postgresArray(leases.map(({ token }) => leaseOf(token))),
        leaseMs,
      ],
    );
    return rows.map(({ state }) => state as LeaseState);
  }

  async sweep({ name, retention: { done, dead } }: QueueSettings): Promise<Swept> {
    const text = `SELECT * FROM ${this.#statements.schema}.sweep($1, $2::float8, $3::bigint, $4::float8, $5::bigint)`;
    const values = [name, done?.ms ?? 0, done?.count ?? 0, dead.ms, dead.count];
    const rows = await this.#run(name, text, values);
    const recovered = Number(rows.at(-1)?.["recovered"] ?? 0);
    const given = rows.slice(0, -1).map((row) => ({
      id: String(row["id"]),
      name: String(row["name"]),
      attempts: Number(row["attempts"]),
      parent: parentOf(row),
    }));
    if (recovered > 0) this.#tell("ready", name);
    if (given.length > 0) {
      this.#tell(
        "ended",
        name,
        given.map(({ id }) => id),
      );
    }
    await this.#oldTransactions.look(name);
    return { recovered, dead: given };
  }

  async stats({ name }: QueueSettings): Promise<QueueStats> {
    const [row = {}] = await this.#run(name, statsText(this.#statements.schema), [name]);
    return readStats(row);
  }

  subscribe(
    { name }: QueueSettings,
    kinds: readonly EventKind[],
    listener: Parameters<QueueDriver["subscribe"]>[2],
  ): Subscription {
    this.#requireOpen(name);
    return this.#events.subscribe(name, kinds, listener, this.#listen());
  }

  async claimToForward(
    settings: QueueSettings,
    owner: string,
    request: ClaimRequest,
  ): Promise<Claim | undefined> {
    const claiming = this.#claims.prepare(settings, request, 4, {
      after: "t.taken",
      forward: true,
    });
    const rows = await this.#run(
      settings.name,
      `SELECT c.* FROM ${this.#statements.schema}.take_relay($1, $2, $3::float8) AS t(taken)
         CROSS JOIN LATERAL ${claiming.text} AS c WHERE t.taken`,
      [settings.name, owner, request.leaseMs, ...claiming.values],
    );
    return rows.length === 0 ? undefined : claiming.read(rows);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#events.close();
    await Promise.allSettled(this.#working);
    await this.#notifier.close();
    await this.#listener?.close();
  }

  /** Starts to listen when somebody first wants to hear. */
  async #listen(): Promise<void> {
    await this.migrate();
    const open = this.#openConnection;
    if (open === undefined) return;
    const { clock, timeoutMs } = this.#listening;
    this.#listener ??= new Listener({
      open,
      channel: this.#statements.channel,
      notified: (payload) => this.#events.hear(payload),
      missed: () => this.#events.missed(),
      ...this.#listening,
    });
    const listener = this.#listener;
    await withDeadline({ timeoutMs, what: "listening to PostgreSQL", clock }, () => listener.ready);
  }

  async #watch(queue: string, ms: number): Promise<void> {
    const { schema } = this.#statements;
    await this.#run(
      queue,
      `INSERT INTO ${schema}.watchers AS w
       VALUES (${schema}.queue_id($1), clock_timestamp() + $2::float8 * interval '1 ms')
       ON CONFLICT (queue_id) DO UPDATE SET until = greatest(w.until, excluded.until)`,
      [queue, ms],
    );
  }

  #tell(kind: EventKind, queue: string, ids?: readonly string[]): void {
    this.#events.tell(kind, queue, ids);
    this.#notifier.tell(kind, queue, ids);
  }

  #run(queue: string, text: string, values: unknown[]): Promise<readonly Row[]> {
    this.#requireOpen(queue);
    const running = this.#statements.run(queue, text, values);
    this.#working.add(running);
    const over = (): void => void this.#working.delete(running);
    running.then(over, over);
    return running;
  }

  #requireOpen(queue: string): void {
    if (!this.#closed) return;
    throw new QueueError("QUEUE_CLOSED", queue, `queue "${queue}": the driver is closed`);
  }
}
