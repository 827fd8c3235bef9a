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

import { requireMethods } from "@headroom/core/options";
import { type PostgresPool, postgresArray, postgresState } from "@headroom/core/postgres-client";
import { FULL_CAPABILITIES, type FullCapabilities } from "../capabilities.ts";
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
import { ADD_PARAMETERS, addValues, leaseOf, outcomesOf, parentOf } from "./job-rows.ts";
import { listeningOn } from "./listening-connection.ts";
import type { EventKind } from "./notifier.ts";
import { OldTransactions } from "./old-transactions.ts";
import { postgresAdmin } from "./postgres-admin.ts";
import { type PostgresDriverOptions, resolveOptions } from "./postgres-driver-options.ts";
import { postgresFlows } from "./postgres-flows.ts";
import { postgresSchedules } from "./postgres-schedules.ts";
import type { Power } from "./power.ts";
import { readStats, statsText } from "./queue-stats.ts";
import { ENDS, SETTLE_PARAMETERS, settleOutcomes, settleValues } from "./settlements.ts";
import { type Row, Statements } from "./statements.ts";
import { Telling } from "./telling.ts";
import { transactionOf } from "./transactions.ts";

export interface PostgresCapabilities extends FullCapabilities {
  readonly transactions: true;
  readonly durability: "fsync";
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
  ...FULL_CAPABILITIES,
  transactions: true,
  durability: "fsync",
};

const UNIQUE_VIOLATION = "23505";

class InPostgres implements PostgresDriver {
  readonly name = "postgresql";
  readonly capabilities: PostgresCapabilities = CAPABILITIES;
  readonly admin: JobAdmin;
  readonly schedules: Schedules;
  readonly flows: Flows;
  readonly #statements: Statements;
  readonly #claims: Claims;
  readonly #batches: EnqueueBatches;
  readonly #telling: Telling;
  readonly #oldTransactions: OldTransactions;
  readonly #working = new Set<Promise<unknown>>();
  #closed = false;

  constructor(pool: PostgresPool, options: PostgresDriverOptions) {
    requireMethods<PostgresPool>("pool", pool, ["query", "connect"]);
    const resolved = resolveOptions(options);
    const { clock, oldTransactionMs: oldMs } = resolved;
    const open = listeningOn(pool, options.listen);
    const statements = new Statements({ pool, ...resolved });
    this.#statements = statements;
    this.#telling = new Telling({ statements, open, ...resolved });
    this.#claims = new Claims(statements.schema, clock);
    this.#batches = new EnqueueBatches((settings, jobs) => this.#enqueue(settings, jobs));
    const run: Power["run"] = async (queue, text, values) => this.#run(queue, text, values);
    this.#oldTransactions = new OldTransactions({ oldMs, clock, run });
    const powers: Power = {
      schema: statements.schema,
      run,
      tell: (kind, queue, ids) => this.#telling.tell(kind, queue, ids),
    };
    this.admin = postgresAdmin(powers);
    this.schedules = postgresSchedules(powers);
    this.flows = postgresFlows(powers);
  }

  migrate(): Promise<void> {
    return this.#statements.migrate();
  }

  notify(queue: string): void {
    this.#telling.tell("ready", queue);
  }

  async enqueue(
    settings: QueueSettings,
    jobs: readonly NewJob[],
    { tx }: { readonly tx?: unknown } = {},
  ): Promise<readonly Enqueued[]> {
    this.#requireOpen(settings.name);
    if (jobs.length === 0) return [];
    for (const job of jobs) requireSupportedJob(this.capabilities, settings.name, job);
    if (tx === undefined) return this.#untilDone(this.#batches.add(settings, jobs));
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
    const add = (careful: boolean): Promise<readonly Row[]> => {
      const values = addValues(name, jobs, { maxBacklog, lock: true, careful });
      return this.#statements.run(name, this.#addText(), values);
    };
    // An id that was said to be new is not: nothing was added, and it must not fail those beside it.
    const rows = await add(false).catch((error: QueueError) => {
      if (postgresState(error.cause) !== UNIQUE_VIOLATION) throw error;
      return add(true);
    });
    const outcomes = outcomesOf(jobs, rows);
    if (jobs.some(({ delayMs }, at) => delayMs <= 0 && outcomes[at]?.outcome === "added")) {
      this.#telling.tell("ready", name);
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
      if (row?.["watched"] === true) this.#telling.tell("ended", name, ended);
      else this.#telling.tellHere("ended", name, ended);
    }
    if (row?.["again"] === true || limits.concurrency !== undefined)
      this.#telling.tell("ready", name);
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
    if (recovered > 0) this.#telling.tell("ready", name);
    if (given.length > 0) {
      this.#telling.tell(
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
    return this.#telling.subscribe(name, kinds, listener);
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
    while (this.#working.size > 0) await Promise.allSettled(this.#working);
    await this.#telling.close();
  }

  #run(queue: string, text: string, values: unknown[]): Promise<readonly Row[]> {
    this.#requireOpen(queue);
    return this.#untilDone(this.#statements.run(queue, text, values));
  }

  /** `close` waits for it. */
  #untilDone<Result>(work: Promise<Result>): Promise<Result> {
    this.#working.add(work);
    const over = (): void => void this.#working.delete(work);
    work.then(over, over);
    return work;
  }

  #requireOpen(queue: string): void {
    if (!this.#closed) return;
    throw new QueueError("QUEUE_CLOSED", queue, `queue "${queue}": the driver is closed`);
  }
}
