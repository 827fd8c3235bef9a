/** However a failover, a crash of a replica, replay, reads and writes interleave. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { gatedPool } from "../../test/gated-pool.ts";
import { GatedServer, sqlError } from "../../test/gated-postgres.ts";

type Rows = Awaited<ReturnType<ReturnType<typeof gatedPool>["db"]["query"]>>;

interface Game {
  readonly consistency?: "eventual";
  /** How an application sends a write. */
  readonly write?: (send: () => Promise<Rows>) => Promise<Rows>;
}

async function play(scheduler: fc.Scheduler, game: Game): Promise<void> {
  const p = new GatedServer("p");
  const [a, b] = ["a", "b"].map((name) => new GatedServer(name, { isStandby: true })) as [
    GatedServer,
    GatedServer,
  ];
  const servers = [p, a, b];
  const { db, clock, roleOf } = gatedPool(servers, {
    consistency: game.consistency ?? "session",
    monitor: { intervalMs: 200 },
  });
  await clock.advance(0);
  const refused = new Map<string, number>();
  const landed: string[] = [];
  /** Where a server was when it ran a read. */
  const readAt = new Map<string, bigint>();
  for (const server of servers) {
    server.gate = (text, what) =>
      scheduler.schedule(Promise.resolve(), `${server.name} ${what} ${text}`);
    server.answer = (text) => {
      if (!text.startsWith("INSERT")) {
        readAt.set(text, server.lsn);
        return [];
      }
      if (server.isStandby) {
        refused.set(text, (refused.get(text) ?? 0) + 1);
        return sqlError("25006");
      }
      server.lsn += 10n;
      if (server.timeline < a.timeline) landed.push(text);
      return [{ lsn: server.lsn }];
    };
  }
  const step = (name: string): Promise<void> => scheduler.schedule(Promise.resolve(), name);
  const until = async (what: () => boolean): Promise<void> => {
    while (!what()) await step("waits");
  };

  const session = async (k: number): Promise<void> => {
    let written = 0n;
    for (let n = 0; n < 2; n++) {
      const insert = `INSERT INTO notes VALUES (${k}, ${n})`;
      const send = () => db.query(insert);
      const done = await (game.write ?? ((once) => once()))(send).then(
        ({ rows }) => ({ lsn: BigInt(String(rows[0]?.["lsn"])) }),
        ({ code }: { code?: unknown }) => ({ code }),
      );
      const taken = sent(servers, insert) - (refused.get(insert) ?? 0);
      expect(taken, "how often a write was sent").toBeLessThanOrEqual(1);
      if ("lsn" in done) written = done.lsn;
      else if (done.code === "REPLICA_WRITE_OUTCOME_UNKNOWN") expect(taken).toBe(1);
      else expect([done.code, taken]).toEqual(["REPLICA_NO_PRIMARY", 0]);
      const select = `SELECT ${n} FROM notes WHERE k = ${k}`;
      await db.query(select);
      expect(readAt.get(select), "where a read was made").toBeGreaterThanOrEqual(written);
    }
  };

  const replicated = async (): Promise<void> => {
    for (let n = 0; n < 4; n++) {
      await step("replays");
      b.lsn = b.state === "up" ? highest(servers) : b.lsn;
      if (a.isStandby) a.lsn = p.lsn;
      b.timeline = a.timeline;
    }
  };
  const failover = async (): Promise<void> => {
    await step("the primary dies");
    p.kill();
    await until(() => roleOf(p) !== "primary");
    // What was acknowledged is on the replica that is promoted.
    a.lsn = p.lsn;
    a.promote();
    await until(() => roleOf(a) === "primary");
    p.start();
  };
  const crash = async (): Promise<void> => {
    await step("a replica crashes");
    b.kill();
    await step("and is back with less");
    b.start({ lsn: b.lsn - 5n });
  };

  const played = Promise.all([
    db.run(() => session(1)),
    db.run(() => session(2)),
    replicated(),
    failover(),
    crash(),
  ]);
  let isOver = false;
  const over = played.finally(() => {
    isOver = true;
  });
  over.catch(() => {});
  for (let n = 0; !isOver && n < 5000; n++) {
    if (scheduler.count() > 0 && n % 3 !== 0) await scheduler.waitOne();
    else await clock.advance(10);
  }
  expect(isOver, "all of it came to its end").toBe(true);
  await over;
  expect(landed, "writes on the primary that was replaced").toEqual([]);
  await clock.advance(1000);
  expect(db.stats().nodes.map(({ inFlight }) => inFlight)).toEqual([0, 0, 0]);
}

function sent(servers: readonly GatedServer[], text: string): number {
  return servers.flatMap(({ received }) => received).filter((each) => each === text).length;
}

function highest(servers: readonly GatedServer[]): bigint {
  return servers.reduce((most, { lsn, isStandby }) => (!isStandby && lsn > most ? lsn : most), 0n);
}

const property = (game: Game = {}) =>
  fc.asyncProperty(fc.scheduler(), (scheduler) => play(scheduler, game));

test("no write is sent twice, none lands in the past, and no read is behind its session", async () => {
  await fc.assert(property(), { numRuns: 300 });
});

test.each<[string, Game, string]>([
  [
    "sends again what may have been done",
    {
      write: (send) =>
        send().catch((error) => {
          if (error.code !== "REPLICA_WRITE_OUTCOME_UNKNOWN") throw error;
          return send();
        }),
    },
    "how often a write was sent",
  ],
  ["reads anywhere", { consistency: "eventual" }, "where a read was made"],
])("the property catches a router that %s", async (_, game, complaint) => {
  const details = await fc.check(property(game), { numRuns: 300 });
  expect(details.failed).toBe(true);
  expect(String(details.errorInstance)).toContain(complaint);
});
