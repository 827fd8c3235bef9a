import pg from "pg";
import type { Endpoint } from "./endpoint.ts";
import { ProcessNode } from "./process-node.ts";

/**
 * One PostgreSQL server. Its administrator is `postgres`, trusted without a password on loopback; a
 * replica's `application_name`, by which synchronous_standby_names knows it, is the node's name.
 */
export class PostgresNode extends ProcessNode {
  async version(): Promise<string> {
    const [row] = await this.query<{ version: string }>(
      "SELECT current_setting('server_version') AS version",
    );
    return `PostgreSQL ${row?.version ?? "?"}`;
  }

  /** One statement on a connection of its own, straight to the server, whatever its link suffers. */
  async query<Row extends pg.QueryResultRow>(
    sql: string,
    parameters: unknown[] = [],
    database = "postgres",
  ): Promise<Row[]> {
    const client = new pg.Client({
      ...this.connection(database, this.direct),
      connectionTimeoutMillis: 5000,
      query_timeout: 60_000,
    });
    // A server killed in mid-query also fails the query; without a listener it would end the test.
    client.on("error", () => {});
    try {
      await client.connect();
      return (await client.query<Row>(sql, parameters)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** What `new pg.Pool()` takes; through the fault proxy unless told otherwise. */
  connection(
    database: string,
    endpoint: Endpoint = this.via,
  ): pg.ClientConfig & { host: string; port: number } {
    return { ...endpoint, user: "postgres", database };
  }

  /** The same as a connection string. */
  url(database: string, endpoint: Endpoint = this.via): string {
    return `postgres://postgres@${endpoint.host}:${endpoint.port}/${database}`;
  }

  /** Changes settings that a reload applies, such as `synchronous_standby_names`. */
  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, value] of Object.entries(settings)) {
      await this.query(
        `ALTER SYSTEM SET ${pg.escapeIdentifier(name)} = ${pg.escapeLiteral(value)}`,
      );
    }
    await this.query("SELECT pg_reload_conf()");
  }

  protected async ping(): Promise<void> {
    await this.query("SELECT 1");
  }
}
