/**
 * How `claim` is called, and read.
 *
 * Each call draws the last part of the tokens that it gives. Between calls it is remembered where in the
 * line of a queue the last one began, so that the next need not pass what that has taken; and twice a
 * second, as when too few were found, the call looks at all of it, and at what is due and expired.
 */

import { randomBytes } from "node:crypto";
import type { Clock } from "@headroom/core/clock";
import type { Claim, ClaimRequest, QueueSettings } from "../driver.ts";
import { claimedJob } from "./job-rows.ts";
import type { Row } from "./statements.ts";

export interface PreparedClaim {
  /** The call, to stand after FROM. */
  readonly text: string;
  readonly values: unknown[];
  readonly read: (rows: readonly Row[]) => Claim;
}

interface Place {
  floor: string;
  upkeepMs: number;
}

/** How leases begin that spend no attempt. */
export const FORWARDING = "~";

const UPKEEP_EVERY_MS = 500;

const TYPES = [
  ...["text", "int", "float8", "text", "bigint", "boolean", "int", "float8", "float8", "int"],
  ...["float8", "boolean"],
];

export class Claims {
  readonly #schema: string;
  readonly #clock: Clock;
  readonly #places = new Map<string, Place>();

  constructor(schema: string, clock: Clock) {
    this.#schema = schema;
    this.#clock = clock;
  }

  /**
   * @param first the number of the first of its parameters.
   * @param options `after` is what has to be computed before.
   */
  prepare(
    { name, limits, retention: { dead } }: QueueSettings,
    { limit, leaseMs }: ClaimRequest,
    first: number,
    { after = "NULL", forward = false }: { after?: string; forward?: boolean } = {},
  ): PreparedClaim {
    const nowMs = this.#clock.monotonicNow();
    const place = this.#places.get(name) ?? { floor: "0", upkeepMs: Number.NEGATIVE_INFINITY };
    this.#places.set(name, place);
    const upkeep = nowMs - place.upkeepMs >= UPKEEP_EVERY_MS;
    if (upkeep) place.upkeepMs = nowMs;
    const lease = `${forward ? FORWARDING : ""}${randomBytes(9).toString("base64url")}`;
    const { concurrency, rate, perKeyConcurrency, perKeyRate } = limits;
    const parameters = TYPES.map((type, index) => `$${first + index}::${type}`).join(", ");
    return {
      text: `${this.#schema}.claim(${parameters}, ${after})`,
      values: [
        name,
        limit,
        leaseMs,
        lease,
        upkeep ? "0" : place.floor,
        upkeep,
        concurrency ?? null,
        rate?.jobs ?? null,
        rate?.perMs ?? null,
        perKeyConcurrency,
        perKeyRate === undefined ? null : perKeyRate.perMs / perKeyRate.jobs,
        dead.count > 0 && dead.ms > 0,
      ],
      read: (rows) => {
        const taken = rows.filter((row) => row["id"] !== null).sort(byTurn);
        place.floor = taken.length < limit ? "0" : (floorOf(taken) ?? place.floor);
        const next = rows.at(-1)?.["next"];
        return {
          jobs: taken.map((row) => claimedJob(row, lease)),
          nextMs: next === null || next === undefined ? undefined : Number(next),
        };
      },
    };
  }
}

function byTurn(one: Row, other: Row): number {
  return (
    Number(other["priority"]) - Number(one["priority"]) ||
    Number(one["turn"]) - Number(other["turn"])
  );
}

function floorOf(taken: readonly Row[]): string | undefined {
  const first = taken.find((row) => row["key"] === null && Number(row["priority"]) === 0);
  return first === undefined ? undefined : String(first["turn"]);
}
