/**
 * Nobody reads anything older than what he has written or read.
 *
 * A trial writes a row, thinks, and looks for the row. The same checker is shown reads that may be old,
 * to see that it sees them; and the share that replicas have answered, as an application that asks
 * the primary for everything is never stale either.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { startPostgres, useServers } from "@headroom/harness";
import type { ReplicaPool } from "@headroom/replica-router";
import pg from "pg";
import { beforeEach, describe, expect, test } from "vitest";
import { type Rig, useRigs } from "./replica-router-rig.ts";

const postgres = useServers(() => startPostgres({ replicas: 2 }));
const { open, prepared } = useRigs(postgres);

const TRIALS = 200;
const SESSIONS = 40;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

type Pool = ReplicaPool<pg.Pool>;

/** A standby is always read-only. Declared stable, so that it does not make the text a write. */
const SEEN = `SELECT current_setting('transaction_read_only') = 'on' AS on_replica,
  EXISTS (SELECT 1 FROM entry WHERE id = $1) AS is_seen`;

interface Look {
  readonly isStale: boolean;
  readonly onReplica: boolean;
}

let element = 0;
beforeEach(() => {
  element = 0;
});

async function write(db: Pool): Promise<number> {
  const id = element++;
  await db.query("INSERT INTO entry VALUES ($1)", [id]);
  return id;
}

async function look(db: Pool, id: number): Promise<Look> {
  const { rows } = await db.query(SEEN, [id]);
  return { isStale: !rows[0].is_seen, onReplica: rows[0].on_replica };
}

async function trials(once: () => Promise<Look>, count = TRIALS) {
  const looks: Look[] = [];
  const session = async (): Promise<void> => {
    for (let n = 0; n < count / SESSIONS; n++) looks.push(await once());
  };
  await Promise.all(Array.from({ length: SESSIONS }, session));
  return {
    looks: looks.length,
    stale: looks.filter(({ isStale }) => isStale).length,
    onReplicas: looks.filter(({ onReplica }) => onReplica).length,
  };
}

/** In a session of its own: a request that writes, and reads after a while. */
const writeThenLook = (db: Pool, thinkMs: number) => (): Promise<Look> =>
  db.run(async () => {
    const id = await write(db);
    await sleep(thinkMs);
    return look(db, id);
  });

/** One request writes; the next one, of this process or another, is begun with its token. */
const inTwoRequests = (writer: Pool, reader: Pool, thinkMs: number) => async (): Promise<Look> => {
  const [id, token] = await writer.run(async () => {
    return [await write(writer), await writer.session.token()] as const;
  });
  await sleep(thinkMs);
  return reader.run(token, () => look(reader, id));
};

async function delayed(delayMs: number): Promise<void> {
  const { replicas } = postgres();
  await Promise.all(replicas.map((replica) => postgres().delayReplay(replica, delayMs)));
}

/** The monitor knows the replicas, and so does the pool of connections. */
async function warm({ db }: Rig): Promise<void> {
  await trials(() => look(db, 0), SESSIONS);
  element = 0;
}

const GRID = [0, 20, 200].flatMap((delayMs) =>
  [0, 50, 150].map((thinkMs) => ({ delayMs, thinkMs })),
);

/** Where replicas have had the time. (Without synchronous commits they are sent nothing for 200 ms.) */
const CAUGHT_UP = new Set(["on/0/50", "on/0/150", "on/20/150"]);

describe.each(["on", "off"])("with synchronous_commit = %s", (synchronousCommit) => {
  test("who writes reads it in the next request, whatever the delay, and on replicas", async () => {
    const rig = await prepared({
      connection: { options: `-c synchronous_commit=${synchronousCommit}` },
    });
    await warm(rig);
    for (const { delayMs, thinkMs } of GRID) {
      await delayed(delayMs);
      const { stale, onReplicas, looks } = await trials(inTwoRequests(rig.db, rig.db, thinkMs));
      console.log(
        `commit ${synchronousCommit}, replay ${delayMs} ms, think ${thinkMs} ms: ${stale} stale of ${looks}, ${onReplicas} on replicas`,
      );
      expect([stale, looks]).toEqual([0, TRIALS]);
      const cell = `${synchronousCommit}/${delayMs}/${thinkMs}`;
      if (CAUGHT_UP.has(cell)) expect(onReplicas).toBeGreaterThan(0);
    }
  });
});

test("who writes reads it in the same request, whatever the delay: on the primary at first", async () => {
  const rig = await prepared();
  await warm(rig);
  for (const { delayMs, thinkMs } of GRID) {
    await delayed(delayMs);
    const { stale, looks } = await trials(writeThenLook(rig.db, thinkMs));
    expect([stale, looks]).toEqual([0, TRIALS]);
  }
});

test("replicas answer as soon as they are known to have it", async () => {
  const rig = await prepared();
  await warm(rig);
  const { db } = rig;
  const twice = (thinkMs: number) => (): Promise<Look> =>
    db.run(async () => {
      const id = await write(db);
      // Asked for by the first read after a write, in the background.
      const first = await look(db, id);
      await sleep(thinkMs);
      const second = await look(db, id);
      await sleep(thinkMs);
      const third = await look(db, id);
      return { ...third, isStale: first.isStale || second.isStale || third.isStale };
    });
  for (const delayMs of [0, 20]) {
    await delayed(delayMs);
    const { stale, onReplicas } = await trials(twice(150));
    console.log(`replay ${delayMs} ms, three reads: ${stale} stale, ${onReplicas} on replicas`);
    expect(stale).toBe(0);
    expect(onReplicas).toBeGreaterThan(TRIALS / 2);
  }
});

test("a read that may wait is answered by a replica", async () => {
  const rig = await prepared({ wait: { ms: 1000 } });
  await warm(rig);
  await delayed(20);
  const { stale, onReplicas } = await trials(writeThenLook(rig.db, 0));
  expect(stale).toBe(0);
  expect(onReplicas).toBeGreaterThan(TRIALS / 2);
});

test("the checker sees what is stale: reads that may be old, of a replica that is late", async () => {
  const rig = await prepared({ consistency: "eventual" });
  await warm(rig);
  await delayed(200);
  const { stale, onReplicas } = await trials(writeThenLook(rig.db, 0));
  expect(onReplicas).toBe(TRIALS);
  expect(stale).toBeGreaterThan(TRIALS / 2);
});

test("strong: what others have written is seen as well", async () => {
  const rig = await prepared({ consistency: "strong" });
  const other = await open(rig.database);
  await warm(rig);
  await delayed(200);
  const { stale } = await trials(async () => look(rig.db, await write(other.db)));
  expect(stale).toBe(0);
});

test("calls outside of any session read what they have written", async () => {
  const rig = await prepared();
  await warm(rig);
  await delayed(20);
  const { stale } = await trials(async () => {
    const id = await write(rig.db);
    return look(rig.db, id);
  });
  expect(stale).toBe(0);
});

describe("a token", () => {
  test("carries what was written to another process", async () => {
    const [rig, other] = await twoProcesses();
    for (const [delayMs, thinkMs] of [
      [0, 0],
      [20, 50],
      [200, 0],
    ] as const) {
      await delayed(delayMs);
      const { stale, onReplicas } = await trials(inTwoRequests(rig.db, other.db, thinkMs));
      console.log(
        `replay ${delayMs} ms, think ${thinkMs} ms, by token: ${stale} stale, ${onReplicas} on replicas`,
      );
      expect(stale).toBe(0);
    }
  });

  test("without it the other process may see what is old", async () => {
    const [rig, other] = await twoProcesses();
    await delayed(200);
    const { stale } = await trials(async () => {
      const id = await rig.db.run(() => write(rig.db));
      return other.db.run(() => look(other.db, id));
    });
    expect(stale).toBeGreaterThan(TRIALS / 2);
  });

  test("is reached by a replica when nobody writes any more, also at the end of a segment", async () => {
    const rig = await prepared();
    await warm(rig);
    const { db } = rig;
    for (let n = 0; n < 3; n++) {
      const [id, token] = await db.run(async () => {
        const id = await write(db);
        await postgres().primary.query("SELECT pg_switch_wal()");
        return [id, await db.session.token()] as const;
      });
      const answered = await db.run(token, async () => {
        const startedMs = performance.now();
        let seen = await look(db, id);
        while (!seen.onReplica && performance.now() - startedMs < 5000) {
          expect(seen.isStale).toBe(false);
          await sleep(20);
          seen = await look(db, id);
        }
        return seen;
      });
      expect(answered).toEqual({ isStale: false, onReplica: true });
    }
  });

  test("holds across a promotion", async () => {
    const [rig, other] = await twoProcesses();
    const { primary: old, replicas } = postgres();
    const [heir] = replicas;
    if (heir === undefined) throw new Error("there is no replica");
    await postgres().setSynchronous(heir.name);
    const written = await Promise.all(
      Array.from({ length: SESSIONS }, () =>
        rig.db.run(async () => [await write(rig.db), await rig.db.session.token()] as const),
      ),
    );
    await old.kill9();
    await postgres().promote(heir);
    await heir.configure({ synchronous_standby_names: "" });
    let index = 0;
    const before = await trials(async () => {
      const [id, token] = written[index++ % written.length] ?? [-1, undefined];
      return other.db.run(token, () => look(other.db, id));
    });
    expect(before.stale).toBe(0);
    const after = await trials(writeThenLook(rig.db, 0));
    expect(after.stale).toBe(0);
    const carried = await trials(inTwoRequests(rig.db, other.db, 0));
    expect(carried.stale).toBe(0);
    console.log(
      `across a promotion, on replicas: ${before.onReplicas}, ${after.onReplicas}, ${carried.onReplicas}`,
    );
  });

  async function twoProcesses(): Promise<[Rig, Rig]> {
    const rig = await prepared();
    const other = await open(rig.database);
    await warm(rig);
    await warm(other);
    return [rig, other];
  }
});

describe("what was read once", () => {
  /** How often a session that reads the same again and again was taken back in time. */
  async function stepsBack(db: Pool): Promise<{ back: number; nodes: number }> {
    let back = 0;
    const nodes = new Set<string>();
    const session = async (): Promise<void> => {
      let highest = -1;
      for (let n = 0; n < 30; n++) {
        const sql =
          "SELECT coalesce(max(id), -1) AS highest, current_setting('port') AS port FROM entry";
        const { rows } = await db.query(sql);
        if (rows[0].highest < highest) back++;
        highest = Math.max(highest, rows[0].highest);
        nodes.add(rows[0].port);
        await sleep(5);
      }
    };
    let isOver = false;
    const writing = (async () => {
      const client = new pg.Client(postgres().primary.connection(db.options.database ?? ""));
      await client.connect();
      while (!isOver) await client.query("INSERT INTO entry VALUES ($1)", [element++]);
      await client.end();
    })();
    await Promise.all(Array.from({ length: SESSIONS }, () => db.run(session)));
    isOver = true;
    await writing;
    return { back, nodes: nodes.size };
  }

  test("is not unread, by whichever replica", async () => {
    const { db } = await prepared();
    const [, late] = postgres().replicas;
    if (late !== undefined) await postgres().delayReplay(late, 200);
    const { back, nodes } = await stepsBack(db);
    expect(back).toBe(0);
    expect(nodes).toBeGreaterThan(1);
  });

  test("and the checker sees it where that is allowed", async () => {
    const { db } = await prepared({ consistency: "eventual" });
    const [, late] = postgres().replicas;
    if (late !== undefined) await postgres().delayReplay(late, 200);
    expect((await stepsBack(db)).back).toBeGreaterThan(0);
  });
});

describe("callbacks", () => {
  const user = new AsyncLocalStorage<string>();

  test("are called in the session of who gave them, also when another's connection was waited for", async () => {
    const { db } = await prepared({ max: 1 });
    const told: Record<string, unknown> = {};
    const request = (name: string, sql: string): Promise<void> =>
      user.run(name, () =>
        db.run(
          () =>
            new Promise((resolve, reject) => {
              db.query(sql, (error: Error) => {
                if (error) return reject(error);
                const { needsToken } = db.session;
                db.session.token().then((token) => {
                  told[name] = [user.getStore(), needsToken, token !== undefined];
                  resolve();
                }, reject);
              });
            }),
        ),
      );
    await Promise.all([
      request("A", "INSERT INTO entry SELECT 1 FROM pg_sleep(0.1)"),
      request("B", "SELECT count(*) FROM entry WHERE pg_sleep(0) IS NULL"),
      request("C", "SELECT 1 FROM pg_sleep(0)"),
      request("D", "SELECT 1"),
    ]);
    expect(told["A"]).toEqual(["A", true, true]);
    expect(told["D"]?.[1 as never]).toBe(false);
    for (const name of ["B", "C", "D"]) expect(told[name]?.[0 as never]).toBe(name);
  });

  test("of connect as well", async () => {
    const { db } = await prepared({ max: 1 });
    const told: unknown[] = [];
    await Promise.all(
      ["A", "B", "C"].map((name) =>
        user.run(name, () =>
          db.run(
            () =>
              new Promise<void>((resolve, reject) => {
                db.connect((error, client, done) => {
                  if (error || client === undefined) return reject(error);
                  const sql = name === "A" ? "INSERT INTO entry VALUES (1)" : "SELECT 1";
                  client.query(sql, () => {
                    told.push([name, user.getStore(), db.session.needsToken]);
                    done();
                    resolve();
                  });
                });
              }),
          ),
        ),
      ),
    );
    expect(told).toHaveLength(3);
    expect(told).toEqual(
      expect.arrayContaining([
        ["A", "A", true],
        ["B", "B", false],
        ["C", "C", false],
      ]),
    );
  });
});
