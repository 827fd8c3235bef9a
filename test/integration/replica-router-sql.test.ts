/** The standby is the judge: what the classifier calls a read, runs there; what it must not, is none. */

import { startPostgres, testSeed, useServers } from "@headroom/harness";
import fc from "fast-check";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { classifySql } from "../../packages/replica-router/src/sql/classify-sql.ts";
import {
  loadSqlCatalog,
  staticSqlCatalog,
} from "../../packages/replica-router/src/sql/sql-catalog.ts";
import type { SqlCatalog } from "../../packages/replica-router/src/sql/statement.ts";
import { mutatedStatement, NOT_READS } from "../../packages/replica-router/test/mutations.ts";
import { READS, SCHEMA } from "../../packages/replica-router/test/statements.ts";

const postgres = useServers(() => startPostgres({ replicas: 1 }));
const { random } = testSeed();

let primary: pg.Client;
let standby: pg.Client;

/** Both ends of a database of its own, with this in it. */
async function open(schema: string): Promise<SqlCatalog> {
  const cluster = postgres();
  const database = await cluster.createDatabase();
  const [replica] = cluster.replicas;
  if (replica === undefined) throw new Error("there is no standby");
  primary = new pg.Client(cluster.primary.connection(database));
  await primary.connect();
  await primary.query(schema);
  await cluster.caughtUp();
  standby = new pg.Client(replica.connection(database));
  await standby.connect();
  await standby.query("SET statement_timeout = '2s'");
  return loadSqlCatalog(async (text) => (await primary.query(text)).rows);
}

afterEach(async () => {
  await Promise.all([primary.end(), standby.end()]);
});

/** What the standby says against it, in a transaction that is rolled back; `undefined` if nothing. */
async function complaint(text: string): Promise<string | undefined> {
  await standby.query("BEGIN");
  try {
    await standby.query(text);
    return undefined;
  } catch (error) {
    const { code, message } = error as pg.DatabaseError;
    return `${code} ${message}`;
  } finally {
    await standby.query("ROLLBACK");
  }
}

/** Refused because it is a standby, and not because it makes no sense. */
const OF_STANDBY = /^(25006|XX000)|recovery|standby/;

describe("statements", () => {
  let catalog: SqlCatalog;
  beforeEach(async () => {
    catalog = await open(SCHEMA);
  });

  test("every plain read is called one, and runs", async () => {
    for (const text of READS) {
      expect([text, classifySql(text, catalog).kind]).toEqual([text, "read"]);
      expect([text, await complaint(text)]).toEqual([text, undefined]);
    }
  });

  test("no other is", () => {
    for (const text of NOT_READS) {
      expect([text, classifySql(text, catalog).kind]).not.toEqual([text, "read"]);
    }
  });

  test("none that is called a read is refused for being on a standby", async () => {
    const texts = fc
      .sample(mutatedStatement, { seed: Math.floor(random() * 2 ** 31), numRuns: 20_000 })
      .filter((text) => !text.includes("\0") && classifySql(text, catalog).kind === "read");
    let ran = 0;
    for (const text of new Set(texts)) {
      const said = await complaint(text);
      if (said === undefined) ran++;
      expect([text, said ?? ""]).not.toEqual([text, expect.stringMatching(OF_STANDBY)]);
    }
    // Most are nonsense; of those that are not, there must be enough to mean something.
    expect(ran).toBeGreaterThan(100);
  });
});

describe("the catalog", () => {
  const OWN = `
    CREATE TABLE plain (id int);
    CREATE SEQUENCE counter;
    CREATE SCHEMA billing;
    CREATE FUNCTION billing.charge() RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''counter'')';
    CREATE FUNCTION billing."Odd Name"() RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''counter'')';
    CREATE FUNCTION billing.random() RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''counter'')';
    CREATE FUNCTION touched(plain) RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''counter'')';
    CREATE FUNCTION billing.step(bigint, int) RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''counter'')';
    CREATE AGGREGATE billing.steps(int) (sfunc = billing.step, stype = bigint);
    CREATE FUNCTION known(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
    CREATE UNLOGGED TABLE scratch (id int);
    CREATE TABLE parted (id int) PARTITION BY LIST (id);
    CREATE UNLOGGED TABLE parted_one PARTITION OF parted FOR VALUES IN (1);
    CREATE FOREIGN DATA WRAPPER nothing;
    CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing;
    CREATE FOREIGN TABLE far (id int) SERVER elsewhere;
    CREATE VIEW outer_view AS SELECT 1::bigint AS n;
    CREATE VIEW inner_view AS SELECT nextval('counter') AS n;
    CREATE VIEW middle_view AS SELECT n FROM inner_view;
    CREATE OR REPLACE VIEW outer_view AS SELECT n FROM middle_view;
    CREATE VIEW view_of_charge AS SELECT billing.charge() AS n;
    CREATE VIEW view_of_scratch AS SELECT * FROM scratch;
    CREATE VIEW plain_view AS SELECT id, 'it''s; delete' AS "into" FROM plain;
    CREATE MATERIALIZED VIEW kept AS SELECT n FROM inner_view;
    INSERT INTO plain VALUES (1)`;

  let catalog: SqlCatalog;
  beforeEach(async () => {
    catalog = await open(OWN);
  });

  test("what it must not be asked for, and refuses", async () => {
    for (const [text, name] of [
      ["SELECT billing.charge()", "charge"],
      ['SELECT billing."Odd Name"()', "Odd Name"],
      ["SELECT billing.random()", "random"],
      ["SELECT plain.touched FROM plain", "touched"],
      ["SELECT billing.steps(id) FROM plain", "steps"],
      ["TABLE scratch", "scratch"],
      ["SELECT * FROM parted", "parted"],
      ["TABLE inner_view", "inner_view"],
      ["TABLE middle_view", "middle_view"],
      ["SELECT * FROM public.outer_view", "outer_view"],
      ["TABLE view_of_charge", "view_of_charge"],
      ["TABLE view_of_scratch", "view_of_scratch"],
    ] as const) {
      const expected = { kind: "write", reason: "volatile", name };
      expect([text, classifySql(text, catalog)]).toEqual([text, expected]);
      expect([text, await complaint(text)]).toEqual([text, expect.stringMatching(OF_STANDBY)]);
    }
  });

  test("what it would fetch from elsewhere, or knows otherwise", () => {
    for (const text of ["TABLE far", "SELECT last_value FROM counter"]) {
      expect([text, classifySql(text, catalog).kind]).toEqual([text, "write"]);
    }
  });

  test("what it may be asked for", async () => {
    for (const text of [
      "SELECT known(id) FROM plain",
      "TABLE plain_view",
      "TABLE kept",
      "SELECT charge FROM (SELECT 1 AS charge) AS s",
      "SELECT clock_timestamp() IS NULL",
    ]) {
      expect([text, classifySql(text, catalog)]).toEqual([text, { kind: "read" }]);
      expect([text, await complaint(text)]).toEqual([text, undefined]);
    }
  });
});

describe("functions of this PostgreSQL", () => {
  /** Take or return what no query has, or refuse unless pg_upgrade runs. */
  const NOT_OF_QUERIES = /^(binary_upgrade_|dsnowball_|plpgsql_)/;

  let catalog: SqlCatalog;
  beforeEach(async () => {
    catalog = await open("");
  });

  test("none without arguments that may run on a standby is refused there", async () => {
    const { rows } = await primary.query<{ name: string }>(
      `SELECT DISTINCT proname::text AS name FROM pg_proc p JOIN pg_type t ON t.oid = p.prorettype
        WHERE pronargs = 0 AND prokind = 'f' AND pronamespace = 'pg_catalog'::regnamespace
          AND (t.typtype <> 'p' OR t.typname IN ('record', 'void'))`,
    );
    const texts = rows
      .map(({ name }) => `SELECT ${pg.escapeIdentifier(name)}()`)
      .filter((text) => classifySql(text, catalog).kind === "read");
    expect(texts.length).toBeGreaterThan(50);
    for (const text of texts) {
      expect([text, (await complaint(text)) ?? ""]).not.toEqual([
        text,
        expect.stringMatching(OF_STANDBY),
      ]);
    }
  });

  test("the volatile ones are known without its catalog", () => {
    const unknown = [...catalog.volatileFunctions].filter(
      (name) => !staticSqlCatalog.volatileFunctions.has(name) && !NOT_OF_QUERIES.test(name),
    );
    expect(unknown).toEqual([]);
  });
});
