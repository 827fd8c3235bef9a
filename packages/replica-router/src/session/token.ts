/**
 * What a session has seen of the database, as a text that travels: in a cookie, a header, a job.
 *
 *     "1.7439052108893741230.2.16B374D848.t3k9ab"
 *      version . system identifier . timeline . LSN . when, in seconds (base 36)
 *
 * Whoever brings it must not read anything older. A position only means something within one
 * cluster and on one line of its history: so the token says which. It goes up to the position, not
 * to the statement: replaying more than asked never hurts.
 *
 * The LSN may be missing (`-`): the session has written and its position could not be found out. No
 * replica can prove that it is new enough for that; only the primary will do, until the token is old.
 */

import type { Lsn } from "../wal/lsn.ts";

export interface Token {
  /** `system_identifier` of the cluster. */
  readonly system: string;
  readonly timeline: number;
  /** Undefined: not known, so that only the primary is new enough. */
  readonly lsn: Lsn | undefined;
  /** When it was made, in milliseconds since the epoch; whole seconds in the text. */
  readonly madeMs: number;
}

const TEXT = /^1\.(\d{1,20})\.(\d{1,10})\.([0-9A-F]{1,16}|-)\.([0-9a-z]{1,9})$/;

export function formatToken({ system, timeline, lsn, madeMs }: Token): string {
  const position = lsn === undefined ? "-" : lsn.toString(16).toUpperCase();
  return `1.${system}.${timeline}.${position}.${Math.floor(madeMs / 1000).toString(36)}`;
}

/** Undefined for what no version of this package has made. */
export function parseToken(text: unknown): Token | undefined {
  const parts = typeof text === "string" ? TEXT.exec(text) : null;
  if (parts === null) return undefined;
  const [, system = "", timeline, position, made = ""] = parts;
  return {
    system,
    timeline: Number(timeline),
    lsn: position === "-" ? undefined : BigInt(`0x${position}`),
    madeMs: Number.parseInt(made, 36) * 1000,
  };
}

/** The one of two that asks for more; of two clusters the newer one's. */
export function laterToken(a: Token | undefined, b: Token | undefined): Token | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.system !== b.system) return a.madeMs >= b.madeMs ? a : b;
  if (a.timeline !== b.timeline) return a.timeline > b.timeline ? a : b;
  if (a.lsn === undefined && b.lsn === undefined) return a.madeMs >= b.madeMs ? a : b;
  if (a.lsn === undefined || b.lsn === undefined) return a.lsn === undefined ? a : b;
  return a.lsn >= b.lsn ? a : b;
}
