/**
 * A load on a replica pool of which every statement is accounted for.
 *
 * Each writer is a row of sessions: it adds an element and looks for it at once, as a user does who
 * saves a form and is shown the page. Readers read whatever there is. What the database has in the
 * end, asked behind the pool's back, says which acknowledged elements are lost and which are there
 * although their writer was told that they are not.
 */

import {
  checkSetFull,
  createRecorder,
  eventually,
  type Operation,
  type PostgresNode,
  type Recorder,
  testSeed,
} from "@headroom/harness";
import type { ReplicaPool } from "@headroom/replica-router";
import type pg from "pg";

export interface LoadOptions {
  /** @default 4 */
  readonly writers?: number;
  /** @default 4 */
  readonly readers?: number;
  /** How long each rests between two statements at most, in milliseconds. @default 4 */
  readonly restMs?: number;
}

export interface Account {
  readonly acknowledged: number;
  readonly failedWrites: number;
  readonly unknownWrites: number;
  readonly reads: number;
  readonly failedReads: number;
  /** Reads of a session that did not see what it had written. */
  readonly staleReads: number;
  readonly slowestReadMs: number;
  /** The longest time without an acknowledged write since the fault; undefined when no time was marked. */
  readonly writeOutageMs: number | undefined;
  /** Acknowledged, and not in the database. */
  readonly lost: number;
  /** In the database, although their writer was told that nothing was done. */
  readonly denied: number;
  /** Why statements failed, and how often. */
  readonly reasons: Readonly<Record<string, number>>;
}

export class Load {
  readonly log: Recorder = createRecorder({ seed: testSeed().value });
  readonly #db: ReplicaPool<pg.Pool>;
  readonly #restMs: number;
  readonly #random = testSeed().random;
  readonly #workers: Promise<unknown>[];
  #elements = 0;
  #acknowledged = 0;
  #inDoubt = 0;
  #read = 0;
  #isOver = false;
  #faultMs: number | undefined;

  constructor(db: ReplicaPool<pg.Pool>, options: LoadOptions = {}) {
    const { writers = 4, readers = 4, restMs = 4 } = options;
    this.#db = db;
    this.#restMs = restMs;
    this.#workers = [
      ...Array.from({ length: writers }, () => this.#repeat(() => this.#write())),
      ...Array.from({ length: readers }, () => this.#repeat(() => this.#scan())),
    ];
  }

  /** Resolves when so many more writes have been acknowledged. */
  async acknowledged(count: number): Promise<void> {
    const target = this.#acknowledged + count;
    await eventually(`${count} more writes`, () => this.#acknowledged >= target);
  }

  /** Resolves when so many more reads have been answered. */
  async read(count: number): Promise<void> {
    const target = this.#read + count;
    await eventually(`${count} more reads`, () => this.#read >= target);
  }

  /** Writes whose outcome their writer was told is not known. */
  get inDoubt(): number {
    return this.#inDoubt;
  }

  /** The fault begins now. */
  faultBegins(): void {
    this.#faultMs = this.log.nowMs();
  }

  /** Lets what is under way end, and starts no more. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#workers);
  }

  /** @param node the server that is right: the primary. */
  async account(title: string, node: PostgresNode, database: string): Promise<Account> {
    await this.stop();
    const elements = await elementsOf(node, database);
    this.log.observe({ kind: "read", result: elements });
    const history = this.log.history();
    const has = new Set<unknown>(elements);
    const adds = history.filter(({ kind }) => kind === "add");
    const looks = history.filter(({ kind }) => kind === "look" || kind === "scan");
    const account: Account = {
      acknowledged: adds.filter(isOk).length,
      failedWrites: adds.filter(({ outcome }) => outcome === "failed").length,
      unknownWrites: adds.filter(({ outcome }) => outcome === "unknown").length,
      reads: looks.length,
      failedReads: looks.filter((look) => !isOk(look)).length,
      staleReads: looks.filter((look) => look.outcome === "ok" && look.result === false).length,
      slowestReadMs: Math.max(0, ...looks.map(({ startMs, endMs }) => endMs - startMs)),
      writeOutageMs:
        this.#faultMs === undefined ? undefined : this.log.recoveryMs(this.#faultMs, "add"),
      lost: checkSetFull(history).lost.length,
      denied: adds.filter(({ outcome, value }) => outcome === "failed" && has.has(value)).length,
      reasons: this.log.summary().reasons,
    };
    console.log(`${title}: ${lineOf(account)}, seed ${testSeed().value}`);
    return account;
  }

  async #repeat(once: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      await once();
      await new Promise((resolve) => setTimeout(resolve, this.#random() * this.#restMs));
    }
  }

  #write(): Promise<void> {
    return this.#db.run(async () => {
      const element = this.#elements++;
      const intent = { kind: "add", value: element };
      const insert = () => this.#db.query("INSERT INTO entry VALUES ($1)", [element]);
      const added = await this.log.run(intent, insert, { classify: outcomeOf });
      if (added.outcome === "unknown") this.#inDoubt++;
      if (!isOk(added)) return;
      this.#acknowledged++;
      const sql = "SELECT 1 FROM entry WHERE id = $1";
      await this.#look("look", async () => (await this.#db.query(sql, [element])).rows.length > 0);
    });
  }

  #scan(): Promise<void> {
    const sql = "SELECT count(*) FROM entry";
    return this.#look("scan", async () => (await this.#db.query(sql)).rows.length > 0);
  }

  async #look(kind: string, work: () => Promise<boolean>): Promise<void> {
    if (isOk(await this.log.run({ kind }, work))) this.#read++;
  }
}

/** What the pool says is believed: that it is seen to be true is the point. */
function outcomeOf(error: unknown): "unknown" | "failed" {
  const { code } = error as { code?: unknown };
  return code === "REPLICA_WRITE_OUTCOME_UNKNOWN" ? "unknown" : "failed";
}

export async function elementsOf(node: PostgresNode, database: string): Promise<number[]> {
  return (await node.query<{ id: number }>("SELECT id FROM entry", [], database)).map(
    ({ id }) => id,
  );
}

/** Connections that nobody has given back, and statements that nobody has counted off. */
export function expectNoLeaks(db: ReplicaPool<pg.Pool>): Promise<boolean> {
  return eventually(
    "all connections are idle",
    () =>
      db.totalCount === db.idleCount &&
      db.waitingCount === 0 &&
      db.stats().nodes.every(({ inFlight }) => inFlight === 0),
    { withinMs: 10_000 },
  );
}

function isOk({ outcome }: Operation): boolean {
  return outcome === "ok";
}

function lineOf({ reasons, ...counts }: Account): string {
  const parts = Object.entries(counts).flatMap(([name, count]) =>
    count === undefined ? [] : `${name} ${Math.round(count)}`,
  );
  const failures = Object.entries(reasons).map(([reason, count]) => `${reason} ${count}`);
  return [...parts, ...failures].join(", ");
}
