/** A transaction as a function. */

import { fullJitterBackoff } from "@headroom/core/backoff";
import {
  requireBoolean,
  requireCount,
  requireKnownOptions,
  requireOneOf,
} from "@headroom/core/options";
import { retry } from "@headroom/core/retry";
import type { ReplicaClient } from "./replica-client.ts";

export interface TransactionOptions {
  /** Only reads: it runs on a replica that is new enough, all of it on the same one. @default false */
  readonly readOnly?: boolean | undefined;
  /** `serializable` runs on the primary, also when it only reads. @default the server's */
  readonly isolation?: "read committed" | "repeatable read" | "serializable" | undefined;
  /**
   * How often `work` is run again after a serialization failure or a deadlock, which both undo all
   * of it. What else it does must bear that.
   * @default 0
   */
  readonly retries?: number | undefined;
}

/** `serialization_failure`, `deadlock_detected`. */
const UNDONE = new Set(["40001", "40P01"]);
const BACKOFF = fullJitterBackoff({ baseMs: 10, maxMs: 500 });

export async function runTransaction<Result>(
  connect: () => ReplicaClient,
  work: (client: ReplicaClient) => Promise<Result>,
  options: TransactionOptions = {},
): Promise<Result> {
  requireKnownOptions("transaction", options, ["readOnly", "isolation", "retries"]);
  const { isolation } = options;
  const readOnly = requireBoolean("readOnly", options.readOnly ?? false);
  const retries = requireCount("retries", options.retries ?? 0, { min: 0 });
  const modes = [
    ...(isolation === undefined ? [] : [`ISOLATION LEVEL ${requireIsolation(isolation)}`]),
    ...(readOnly ? ["READ ONLY"] : []),
  ];
  const begin = ["BEGIN", ...modes].join(" ");
  return retry(() => once(connect(), begin, work), {
    attempts: retries + 1,
    backoff: BACKOFF,
    retryOn: (error) => UNDONE.has(String((error as { code?: unknown } | null)?.code)),
  });
}

async function once<Result>(
  client: ReplicaClient,
  begin: string,
  work: (client: ReplicaClient) => Promise<Result>,
): Promise<Result> {
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query("COMMIT");
    client.release();
    return result;
  } catch (error) {
    // Where the connection is lost it is undone, and there would be another primary to wait for first.
    if (client.getTransactionStatus() !== null) {
      await Promise.resolve(client.query("ROLLBACK")).catch(() => {});
    }
    client.release();
    throw error;
  }
}

function requireIsolation(isolation: NonNullable<TransactionOptions["isolation"]>): string {
  const known = ["read committed", "repeatable read", "serializable"] as const;
  return requireOneOf("isolation", isolation, known).toUpperCase();
}
