/**
 * A Lua script that a server may forget at any time.
 *
 * A script is sent once and called by its SHA-1 from then on; but a server that restarts, fails over
 * or is told `SCRIPT FLUSH` knows none, and a Cluster has as many memories as nodes. So nothing is
 * loaded in advance and nothing is remembered here: a call goes by SHA, and to a server that answers
 * `NOSCRIPT` (then it has done nothing) the same call goes again with the whole text, which also
 * teaches it. In a Cluster both calls go to the node of the keys.
 *
 * All keys of a call must be named as keys and be in one slot.
 */

import { createHash } from "node:crypto";
import { type RedisArgument, type RedisCommands, sendRedis } from "./redis-client.ts";

/** One script. Its `KEYS`, `ARGV` and result are documented where it is written. */
export class RedisScript {
  readonly source: string;
  /** SHA-1 of the source, in hexadecimal: its name on every server. */
  readonly sha: string;

  constructor(source: string) {
    this.source = source;
    this.sha = createHash("sha1").update(source).digest("hex");
  }

  /**
   * Runs the script on the server of `keys`.
   * @returns its reply, bulk strings as `Buffer`s.
   * @throws what the client rejects with, `NOSCRIPT` excepted.
   */
  async run(
    client: RedisCommands,
    keys: readonly RedisArgument[],
    args: readonly RedisArgument[],
  ): Promise<unknown> {
    const rest = [keys.length, ...keys, ...args];
    try {
      return await sendRedis(client, "evalsha", [this.sha, ...rest]);
    } catch (error) {
      if (!isNoScript(error)) throw error;
      return sendRedis(client, "eval", [this.source, ...rest]);
    }
  }
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}
