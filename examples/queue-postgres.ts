// A job that is there exactly if the order is, and an effect that is there exactly once. Needs a
// server; DATABASE_URL says where.
import { createQueues, defineQueue } from "@headroom/queue";
import { postgresDriver } from "@headroom/queue/postgres";
import { Pool, type PoolClient } from "pg";

const pool = new Pool({
  connectionString: process.env["DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/postgres",
});
await pool.query("CREATE TABLE orders (id int PRIMARY KEY, invoiced int NOT NULL DEFAULT 0)");

const invoices = defineQueue<{ order: number }>({ name: "invoices" });
const queues = createQueues({ driver: postgresDriver(pool), queues: { invoices } });

async function order(id: number, paid: boolean): Promise<void> {
  await inTransaction(async (tx) => {
    await tx.query("INSERT INTO orders (id) VALUES ($1)", [id]);
    await queues.invoices.add({ order: id }, { tx }); // pg, Drizzle, Kysely and Knex
    if (!paid) throw new Error("not paid"); // neither the order nor its job is there
  });
}
await order(1, true);
await order(2, false).catch((error) => console.log(`order 2: ${error.message}`));
await order(3, true);

const worker = queues.worker({
  invoices: ({ data }, { completeIn }) =>
    inTransaction(async (tx) => {
      await tx.query("UPDATE orders SET invoiced = invoiced + 1 WHERE id = $1", [data.order]);
      await completeIn(tx); // throws if another worker has the job by now, and all is undone
    }),
});
while (worker.stats().done < 2) await new Promise((resolve) => setTimeout(resolve, 20));

const { rows } = await pool.query("SELECT id, invoiced FROM orders ORDER BY id");
console.log(rows);

await queues.close();
await pool.end();

async function inTransaction(work: (tx: PoolClient) => Promise<void>): Promise<void> {
  const tx = await pool.connect();
  try {
    await tx.query("BEGIN");
    await work(tx);
    await tx.query("COMMIT");
  } catch (error) {
    await tx.query("ROLLBACK");
    throw error;
  } finally {
    tx.release();
  }
}

// Prints:
// order 2: not paid
// [ { id: 1, invoiced: 1 }, { id: 3, invoiced: 1 } ]
