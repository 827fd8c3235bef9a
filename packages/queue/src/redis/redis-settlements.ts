/** Settlements as the script takes them, and its reply in the order in which they were given. */

import { integerReply, type RedisArgument } from "@headroom/core/redis-client";
import type { Failure, QueueSettings, Settlement, SettleOutcome } from "../driver.ts";
import { wholeMs } from "./redis-enqueue.ts";

/** Lua takes some thousand arguments at a time. */
export const MOST_SETTLEMENTS = 2_000;

export interface EncodedSettlements {
  /** How many are plainly done, their tokens, their ids, and five arguments for each other one. */
  readonly args: readonly RedisArgument[];
  /** For each place in the script's reply, which settlement it is. */
  readonly order: readonly number[];
}

export function encodeSettlements(
  queue: QueueSettings,
  settlements: readonly Settlement[],
): EncodedSettlements {
  const keepsDone = queue.retention.done !== undefined;
  const tokens: string[] = [];
  const ids: string[] = [];
  const order: number[] = [];
  const others: RedisArgument[] = [];
  const otherOrder: number[] = [];
  settlements.forEach((settlement, at) => {
    if (!keepsDone && isPlainlyDone(settlement)) {
      tokens.push(settlement.job.token);
      ids.push(settlement.job.id);
      order.push(at);
    } else {
      others.push(...encoded(settlement));
      otherOrder.push(at);
    }
  });
  return { args: [tokens.length, ...tokens, ...ids, ...others], order: [...order, ...otherOrder] };
}

/** @param lost places in the script's reply, from 1. */
export function settleOutcomes(order: readonly number[], lost: unknown): SettleOutcome[] {
  const outcomes = order.map((): SettleOutcome => "settled");
  for (const place of lost as unknown[]) {
    const at = order[integerReply(place) - 1];
    if (at !== undefined) outcomes[at] = "lost";
  }
  return outcomes;
}

/** A job that was never put back, which its token says, and that holds nothing else. */
function isPlainlyDone({ job, verdict }: Settlement): boolean {
  return (
    verdict.kind === "done" &&
    job.key === undefined &&
    job.dedup === undefined &&
    job.token.endsWith(".0")
  );
}

function encoded({ job: { id, token }, verdict }: Settlement): RedisArgument[] {
  switch (verdict.kind) {
    case "done":
      return ["D", id, token, 0, verdict.result === undefined ? "" : `=${verdict.result}`];
    case "retry":
      return ["R", id, token, wholeMs(verdict.delayMs), failureText(verdict.failure)];
    case "release":
      return ["L", id, token, wholeMs(verdict.delayMs), ""];
    case "dead":
      return ["X", id, token, verdict.reason, failureText(verdict.failure)];
  }
}

/** JSON on one line. */
function failureText(failure: Failure | undefined): string {
  if (failure === undefined) return "";
  return JSON.stringify({ name: failure.name, message: failure.message.slice(0, 500) });
}
