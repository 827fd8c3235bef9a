// Queries over several pools of PostgreSQL connections, for instance of read replicas. One of them is
// down: a query that may be repeated goes to another. Needs a server; DATABASE_URL says where.
import { createBalancer } from "@headroom/lb/balancer";
import { Pool } from "pg";

const connectionString =
  process.env["DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/postgres";
const pools = [
  new Pool({ connectionString }),
  new Pool({ connectionString }),
  // Nobody listens on this port.
  new Pool({ host: "127.0.0.1", port: 1 }),
];

const replicas = createBalancer({
  name: "replicas",
  targets: pools.map((pool, n) => ({ id: `replica-${n}`, target: pool })),
});

let answered = 0;
for (let query = 0; query < 100; query++) {
  const { rows } = await replicas.run((pool) => pool.query("SELECT 1 AS one"), {
    idempotent: true,
  });
  if (rows[0].one === 1) answered++;
}
const { requests, failures } = replicas.stats().targets[2] ?? {};
console.log(`${answered} of 100 queries answered`);
console.log(
  `the one that is down was tried, and left alone: ${failures === requests && Number(requests) < 20}`,
);

await replicas.close();
await Promise.all(pools.map((pool) => pool.end()));

// Prints:
// 100 of 100 queries answered
// the one that is down was tried, and left alone: true
