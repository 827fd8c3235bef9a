/** Servers that come and go while the application runs, on real servers. */

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { eventually, startPostgres, useServers } from "@headroom/harness";
import {
  aurora,
  createReplicaPool,
  patroni,
  type ReplicaPool,
  type ReplicaPoolOptions,
  resolver,
  type ServerConfig,
  statReplication,
} from "@headroom/replica-router";
import pg from "pg";
import { afterEach, describe, expect, test } from "vitest";

const postgres = useServers(() => startPostgres({ replicas: 2 }));

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => void (await Promise.all(closing.splice(0).map((close) => close()))));

const EVERY_MS = 50;

type Node = ReturnType<typeof postgres>["primary"];

function open(database: string, options: Partial<Omit<ReplicaPoolOptions, "pg">>) {
  const db = createReplicaPool({ pg, primary: serverOf(postgres().primary, database), ...options });
  closing.push(() => db.end());
  return db;
}

const serverOf = (node: Node, database: string) => ({
  ...node.connection(database),
  name: node.name,
});

/** Servers by their roles, as the pool sees them. */
const rolesOf = (db: ReplicaPool<pg.Pool>) =>
  Object.fromEntries(db.stats().nodes.map(({ name, role }) => [name, role]));

/** Which servers answer reads. */
async function readers(db: ReplicaPool<pg.Pool>, reads = 12): Promise<Set<number>> {
  const ports = await Promise.all(
    Array.from({ length: reads }, async () => {
      const { rows } = await db.query("SELECT current_setting('port')::int AS port");
      return rows[0].port as number;
    }),
  );
  return new Set(ports);
}

const portsOf = (nodes: readonly Node[]) => new Set(nodes.map(({ direct }) => direct.port));

async function warnings<Result>(work: () => Promise<Result>): Promise<readonly string[]> {
  const seen: string[] = [];
  const note = ({ message, code }: Error & { code?: string }): void => {
    if (code === "HEADROOM_REPLICA_DISCOVERY") seen.push(message);
  };
  process.on("warning", note);
  try {
    await work();
    return seen;
  } finally {
    process.off("warning", note);
  }
}

describe("pg_stat_replication", () => {
  const following = (database: string) =>
    statReplication({
      everyMs: EVERY_MS,
      connectionFor: ({ name, address }) => {
        const node = postgres().nodes.find((known) => known.name === name);
        return node && address === "127.0.0.1" ? serverOf(node, database) : undefined;
      },
    });

  test("the replicas are found, and one that is added while the pool runs gets reads", async () => {
    const database = await postgres().createDatabase();
    const db = open(database, { discovery: following(database) });
    const { replicas } = postgres();
    await eventually("both replicas are read from", async () =>
      isDeepStrictEqual(await readers(db), portsOf(replicas)),
    );
    const added = await postgres().addReplica();
    await postgres().caughtUp();
    await eventually("the new one is read from", async () =>
      (await readers(db)).has(added.direct.port),
    );
    expect(rolesOf(db)).toMatchObject({ [added.name]: "replica" });
  });

  test("a replica that was found and is promoted stays, though nobody names it", async () => {
    const database = await postgres().createDatabase();
    await postgres().primary.query("CREATE TABLE notes (text text)", [], database);
    await postgres().caughtUp();
    const db = open(database, { discovery: following(database) });
    const old = postgres().primary;
    const [next, other] = postgres().replicas;
    if (next === undefined || other === undefined) throw new Error("two replicas are needed");
    await eventually("the replicas are known", async () => rolesOf(db)[next.name] === "replica");
    await old.kill9();
    await postgres().promote(next);
    await db.query("INSERT INTO notes VALUES ('after')");
    await eventually("the other one follows", async () => rolesOf(db)[other.name] === "replica");
    for (let n = 0; n < 5; n++) await db.query("INSERT INTO notes VALUES ('after')");
    expect(rolesOf(db)[next.name]).toBe("primary");
  });

  test("a user that may not see it is told, and goes on without", async () => {
    const database = await postgres().createDatabase();
    const { primary } = postgres();
    await primary.query("DROP ROLE IF EXISTS nobody");
    await primary.query("CREATE ROLE nobody LOGIN");
    const seen = await warnings(async () => {
      const db = open(database, {
        primary: { ...serverOf(primary, database), user: "nobody" },
        discovery: following(database),
      });
      await eventually("it was asked", async () =>
        Object.values(db.stats().routes).some((count) => count >= 3),
      );
      expect(rolesOf(db)).toEqual({ [primary.name]: "primary" });
    });
    expect(seen).toEqual([expect.stringMatching(/GRANT pg_monitor/)]);
    await primary.query("DROP ROLE nobody");
  });
});

describe("a resolver", () => {
  test("a server that leaves the list finishes what is under way, and gets nothing more", async () => {
    const database = await postgres().createDatabase();
    const [leaving, staying] = postgres().replicas;
    if (leaving === undefined || staying === undefined) throw new Error("two replicas are needed");
    let nodes = [leaving, staying];
    const db = open(database, {
      max: 2,
      discovery: resolver(() => nodes.map((node) => serverOf(node, database)), {
        everyMs: EVERY_MS,
      }),
    });
    await eventually(
      "both are known",
      async () => Object.values(rolesOf(db)).filter((role) => role === "replica").length === 2,
    );
    const transaction = db.transaction(
      async (client) => {
        const { rows } = await client.query("SELECT current_setting('port')::int AS port");
        nodes = nodes.filter(({ direct }) => direct.port !== rows[0].port);
        await eventually("it has left", async () => db.stats().nodes.length === 2);
        const again = await client.query("SELECT current_setting('port')::int AS port");
        return [rows[0].port, again.rows[0].port];
      },
      { readOnly: true },
    );
    // More than it has connections: those that wait for one go elsewhere.
    const reads = Array.from({ length: 20 }, () => db.query("SELECT pg_sleep(0.2)"));
    const [first, last] = await transaction;
    await Promise.all(reads);
    expect(first).toBe(last);
    expect(await readers(db)).toEqual(portsOf(nodes));
  });

  test("one that fails, hangs or answers nonsense leaves the list, and says so once each", async () => {
    const database = await postgres().createDatabase();
    const { replicas } = postgres();
    let asked = 0;
    let answer: () => unknown = () => replicas.map((node) => serverOf(node, database));
    const find = () => {
      asked++;
      return answer() as ServerConfig[];
    };
    const seen = await warnings(async () => {
      const db = open(database, { discovery: resolver(find, { everyMs: EVERY_MS }) });
      await eventually("all are read from", async () =>
        isDeepStrictEqual(await readers(db), portsOf(replicas)),
      );
      for (const wrong of [
        () => Promise.reject(new Error("no answer from postgres://app:hunter2@consul")),
        () => "nonsense",
        () => [{ weight: -1 }],
      ]) {
        answer = wrong;
        const before = asked;
        await eventually("it was asked again and again", async () => asked > before + 3);
        expect(await readers(db)).toEqual(portsOf(replicas));
      }
      answer = () => new Promise(() => {});
      const before = asked;
      await eventually("it hangs", async () => asked > before);
      expect(await readers(db)).toEqual(portsOf(replicas));
    });
    expect(seen).toHaveLength(3);
    expect(seen.join()).not.toContain("hunter2");
  });
});

describe("Patroni", () => {
  /** As `GET /cluster` answers, by Patroni's documentation of its REST API. */
  function clusterJson(members: readonly Node[], tags: Record<string, object> = {}): string {
    return JSON.stringify({
      scope: "batman",
      members: [
        ...members.map((node) => ({
          name: node.name,
          role: node === postgres().primary ? "leader" : "replica",
          state: node === postgres().primary ? "running" : "streaming",
          api_url: `http://${node.via.host}:8008/patroni`,
          host: node.via.host,
          port: node.via.port,
          timeline: 1,
          ...(node === postgres().primary ? {} : { lag: 0 }),
          ...(tags[node.name] === undefined ? {} : { tags: tags[node.name] }),
        })),
        { name: "starting", role: "replica", state: "creating replica", timeline: "unknown" },
        { name: "gone", role: "replica", state: "stopped", host: "127.0.0.1", port: 1 },
      ],
    });
  }

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test("members that run are used, through whichever address answers", async () => {
    const database = await postgres().createDatabase();
    const { nodes, replicas, primary } = postgres();
    const hung = await serve(() => {});
    const unwell = await serve((_, response) => response.writeHead(503).end("{}"));
    const garbage = await serve((_, response) => response.end("<html>"));
    let paths: (string | undefined)[] = [];
    const well = await serve((request, response) => {
      paths = [...paths, request.url];
      response.setHeader("Content-Type", "application/json").end(clusterJson(nodes));
    });
    const db = open(database, {
      primary: primary.url(database),
      discovery: patroni({
        urls: [hung, unwell, garbage, well],
        everyMs: EVERY_MS,
        timeoutMs: 200,
        connectionFor: ({ host, port }) => ({ host, port, user: "postgres", database }),
      }),
    });
    await eventually("both replicas are read from", async () =>
      isDeepStrictEqual(await readers(db), portsOf(replicas)),
    );
    expect(db.stats().nodes).toHaveLength(nodes.length);
    expect(new Set(paths)).toEqual(new Set(["/cluster"]));
  });

  test("a member tagged noloadbalance gets no reads; with nofailover it is not even known", async () => {
    const database = await postgres().createDatabase();
    const { nodes, replicas, primary } = postgres();
    const [tagged] = replicas;
    if (tagged === undefined) throw new Error("a replica is needed");
    let tags: object = { noloadbalance: true };
    const url = await serve((_, response) =>
      response.end(clusterJson(nodes, { [tagged.name]: tags })),
    );
    const db = open(database, {
      primary: primary.url(database),
      discovery: patroni({
        urls: [url],
        everyMs: EVERY_MS,
        connectionFor: ({ host, port, name }) => ({ host, port, name, user: "postgres", database }),
      }),
    });
    await eventually("it is known", async () => rolesOf(db)[tagged.name] === "replica");
    await eventually(
      "another is read from",
      async () => !(await readers(db)).has(primary.direct.port),
    );
    expect(await readers(db)).not.toContain(tagged.direct.port);
    tags = {};
    await eventually("its tag is gone", async () => (await readers(db)).has(tagged.direct.port));
    tags = { noloadbalance: true, nofailover: true };
    await eventually("it is not known", async () => !(tagged.name in rolesOf(db)));
  });

  test("when nobody answers the list stays, and a warning says what each of them did", async () => {
    const database = await postgres().createDatabase();
    const { nodes, replicas } = postgres();
    let isWell = true;
    let asked = 0;
    const url = await serve((_, response) => {
      asked++;
      if (isWell) response.end(clusterJson(nodes));
      else response.writeHead(503).end();
    });
    const seen = await warnings(async () => {
      const db = open(database, {
        primary: nodes.map((node) => node.url(database)),
        discovery: patroni({
          urls: [url],
          everyMs: EVERY_MS,
          connectionFor: ({ host, port }) => ({ host, port, user: "postgres", database }),
        }),
      });
      await eventually("all are read from", async () =>
        isDeepStrictEqual(await readers(db), portsOf(replicas)),
      );
      isWell = false;
      const before = asked;
      await eventually("it was asked again", async () => asked > before + 3);
      expect(await readers(db)).toEqual(portsOf(replicas));
    });
    expect(seen).toEqual([
      expect.stringMatching(/no Patroni member answered: .*cluster answered 503/),
    ]);
  });
});

test("one list of all servers: who is what is found out, also after a promotion", async () => {
  const database = await postgres().createDatabase();
  await postgres().primary.query("CREATE TABLE notes (text text)", [], database);
  await postgres().caughtUp();
  const { nodes, primary: old } = postgres();
  const [next] = postgres().replicas;
  if (next === undefined) throw new Error("a replica is needed");
  const db = open(database, {
    primary: nodes.toReversed().map((node) => serverOf(node, database)),
  });
  await db.query("INSERT INTO notes VALUES ('one')");
  expect(rolesOf(db)[old.name]).toBe("primary");
  await old.kill9();
  await postgres().promote(next);
  await db.query("INSERT INTO notes VALUES ('two')");
  expect(rolesOf(db)).toMatchObject({ [next.name]: "primary", [old.name]: "unknown" });
});

describe("Aurora, played by functions of the same names", () => {
  /** PostgreSQL has positions, and must not be asked for them: only the table says who is what. */
  async function play(tokenMaxAgeMs: number) {
    const database = await postgres().createDatabase();
    const { primary, nodes } = postgres();
    const columns =
      "server_id text, session_id text, replica_lag_in_msec float8, last_update_timestamp timestamptz";
    for (const sql of [
      `CREATE TABLE instances (port int, ${columns})`,
      "CREATE TABLE notes (text text)",
      `CREATE FUNCTION aurora_replica_status() RETURNS TABLE (${columns}) LANGUAGE sql VOLATILE
         AS 'SELECT server_id, session_id, replica_lag_in_msec, last_update_timestamp FROM instances'`,
      `CREATE FUNCTION aurora_db_instance_identifier() RETURNS text LANGUAGE sql STABLE
         AS $$ SELECT server_id FROM instances WHERE port = current_setting('port')::int $$`,
    ]) {
      await primary.query(sql, [], database);
    }
    for (const node of nodes) {
      const session = node === primary ? "MASTER_SESSION_ID" : `session-of-${node.name}`;
      const values = [node.direct.port, node.name, session, node === primary ? 0 : 17.5];
      await primary.query("INSERT INTO instances VALUES ($1, $2, $3, $4, now())", values, database);
    }
    await postgres().caughtUp();
    const db = open(database, {
      engine: "aurora",
      tokenMaxAgeMs,
      discovery: aurora({
        everyMs: EVERY_MS,
        connectionFor: ({ id }) => {
          const node = nodes.find(({ name }) => name === id);
          return node && serverOf(node, database);
        },
      }),
    });
    await eventually("all instances are known", async () =>
      nodes.every(({ name }) => (rolesOf(db)[name] ?? "unknown") !== "unknown"),
    );
    return { db, database };
  }

  test("instances are found, and their lag is what Aurora says", async () => {
    const { db } = await play(60_000);
    expect(await readers(db)).toEqual(portsOf(postgres().replicas));
    const [replica] = postgres().replicas;
    const seen = db.stats().nodes.find(({ name }) => name === replica?.name);
    expect(seen).toMatchObject({ role: "replica", lagMs: 17.5, lagBytes: undefined });
  });

  test("a session reads from the primary for a while after it has written", async () => {
    const { db } = await play(1500);
    const [one, two] = postgres().replicas;
    for (const replica of [one, two]) if (replica) await postgres().delayReplay(replica, 500);
    let token: string | undefined;
    await db.run(async () => {
      await db.query("INSERT INTO notes VALUES ('mine')");
      expect((await db.query("SELECT text FROM notes")).rows).toEqual([{ text: "mine" }]);
      token = await db.session.token();
    });
    expect(token).toMatch(/^1\.0\.1\.-\./);
    await db.run(token, async () => {
      expect((await db.query("SELECT text FROM notes")).rows).toEqual([{ text: "mine" }]);
    });
    await eventually("the window is over", () =>
      db.run(token, async () => !(await readers(db, 1)).has(postgres().primary.direct.port)),
    );
    await db.run(token, async () => {
      expect((await db.query("SELECT text FROM notes")).rows).toEqual([{ text: "mine" }]);
    });
  });

  test("a failover is followed", async () => {
    const { db, database } = await play(60_000);
    const [next] = postgres().replicas;
    if (next === undefined) throw new Error("a replica is needed");
    await postgres().primary.kill9();
    await postgres().promote(next);
    const roles = `UPDATE instances SET session_id =
      CASE WHEN server_id = $1 THEN 'MASTER_SESSION_ID' ELSE 'reader' END`;
    await next.query(roles, [next.name], database);
    await db.query("INSERT INTO notes VALUES ('after')");
    expect(rolesOf(db)[next.name]).toBe("primary");
  });

  test("what needs positions is refused when the pool is made", async () => {
    const options = { pg, primary: "postgres://localhost/shop", engine: "aurora" } as const;
    expect(() => createReplicaPool({ ...options, wait: { ms: 5 } })).toThrow(
      /wait\.ms .* "aurora"/,
    );
    expect(() => createReplicaPool({ ...options, maxLag: { bytes: 5 } })).toThrow(/maxLag\.bytes/);
  });
});
