import { appendFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";

/**
 * `pg_basebackup -d CONNINFO -D DIRECTORY -R` for a server on this machine whose binaries come
 * without it: PostgreSQL's low-level backup (its manual, 26.3.4), with a copy of the files between
 * pg_backup_start and pg_backup_stop. The log written meanwhile is not copied: the standby streams
 * it from the primary, which keeps it (wal_keep_size).
 */
const { values } = parseArgs({
  options: {
    dbname: { type: "string", short: "d" },
    pgdata: { type: "string", short: "D" },
    "write-recovery-conf": { type: "boolean", short: "R" },
    "wal-method": { type: "string", short: "X" },
    checkpoint: { type: "string", short: "c" },
    "no-sync": { type: "boolean" },
  },
});
const conninfo = values.dbname ?? "";
const target = values.pgdata ?? "";
const setting = (name: string): string => new RegExp(`${name}=(\\S+)`).exec(conninfo)?.[1] ?? "";

const client = new pg.Client({
  host: setting("host"),
  port: Number(setting("port")),
  user: setting("user"),
  database: "postgres",
});
await client.connect();
const { rows } = await client.query<{ source: string }>(
  "SELECT current_setting('data_directory') AS source",
);
await client.query("SELECT pg_backup_start('clone', true)");
const source = rows[0]?.source ?? "";
const left = new Set(
  ["postmaster.pid", "postmaster.opts", "pg_wal", "pg_replslot"].map((name) => join(source, name)),
);
mkdirSync(target, { mode: 0o700 });
cpSync(source, target, { recursive: true, filter: (path) => !left.has(path) });
for (const directory of ["pg_wal", "pg_wal/archive_status", "pg_replslot"]) {
  mkdirSync(join(target, directory), { mode: 0o700 });
}
const stopped = await client.query<{ labelfile: string }>(
  "SELECT labelfile FROM pg_backup_stop(false)",
);
await client.end();
rmSync(join(target, "standby.signal"), { force: true });
writeFileSync(join(target, "backup_label"), stopped.rows[0]?.labelfile ?? "");
writeFileSync(join(target, "standby.signal"), "");
appendFileSync(join(target, "postgresql.auto.conf"), `primary_conninfo = '${conninfo}'\n`);
