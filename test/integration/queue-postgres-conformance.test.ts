/** The conformance suite of drivers, and runs beside the memory reference, on PostgreSQL. */

import { randomUUID } from "node:crypto";
import { startPostgres, testSeed, useServers } from "@headroom/harness";
import { type PostgresDriver, postgresDriver } from "@headroom/queue/postgres";
import { describeQueueDriver, runQueueModel } from "@headroom/queue/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const postgres = useServers(() => startPostgres());
let pool: pg.Pool;

beforeAll(async () => {
  await postgres().primary.query("CREATE DATABASE conformance");
  pool = new pg.Pool({ ...postgres().primary.connection("conformance"), max: 20 });
  pool.on("error", () => {});
});
afterAll(() => pool.end());

const connect = (): PostgresDriver => postgresDriver(pool, { timeoutMs: 30_000 });

async function transaction(
  end: "commit" | "rollback",
  run: (tx: unknown) => Promise<void>,
): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await run(client);
  } finally {
    await client.query(end);
    client.release();
  }
}

describeQueueDriver(
  "PostgreSQL",
  () => ({ connect, scale: 4, restart: () => postgres().primary.restart(), transaction }),
  { describe, test },
);

test.each([
  ["without limits", {}],
  ["with limits", { concurrency: 3, maxBacklog: 5 }],
] as const)("beside the reference, %s", async (_, limits) => {
  const { random } = testSeed();
  const driver = connect();
  for (let run = 0; run < 25; run++) {
    const steps = Array.from({ length: 40 }, () => [random() * 999, random() * 99_999] as const);
    const script = steps.map(([what, how]) => [Math.floor(what), Math.floor(how)] as const);
    await runQueueModel(driver, script, { queue: `model-${randomUUID()}`, ...limits });
  }
  await driver.close();
  expect(driver.capabilities.transactions).toBe(true);
});
