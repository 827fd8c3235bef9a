import { reasonOf } from "./classify-error.ts";
import type { History } from "./operation.ts";
import { percentile } from "./percentile.ts";

/** The figures of a load. */
export interface Summary {
  readonly acked: number;
  readonly failed: number;
  readonly unknown: number;
  /** Time of the acknowledged operations; a fast refusal would flatter it. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** From the first start to the last end. */
  readonly durationMs: number;
  /** Acknowledged operations per second of that time. */
  readonly perSecond: number;
  /** How often each error was met (code or message), the most frequent first. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly seed: number | undefined;
  /** All of it in one line for people. */
  readonly line: string;
}

export function summarize(
  history: History,
  labels: { readonly kind?: string | undefined; readonly seed?: number | undefined } = {},
): Summary {
  const acked = history.filter(({ outcome }) => outcome === "ok");
  const latencies = acked.map(({ startMs, endMs }) => endMs - startMs);
  const durationMs = lastEndMs(history) - (history[0]?.startMs ?? 0);
  const figures = {
    acked: acked.length,
    failed: history.filter(({ outcome }) => outcome === "failed").length,
    unknown: history.filter(({ outcome }) => outcome === "unknown").length,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    durationMs,
    perSecond: durationMs > 0 ? acked.length / (durationMs / 1000) : 0,
    reasons: countReasons(history),
    seed: labels.seed,
  };
  return { ...figures, line: lineOf(figures, labels.kind) };
}

/**
 * How long the service was gone: the longest time without an acknowledgement since a fault. The
 * fault itself opens the first such gap, and the last end of any operation closes the last one, so a
 * service that answers once more and then dies for good is not called recovered.
 *
 * @returns milliseconds; `Infinity` when nothing at all was acknowledged after `sinceMs`.
 */
export function recoveryMs(history: History, sinceMs: number): number {
  const ackedAtMs = history
    .filter(({ outcome, endMs }) => outcome === "ok" && endMs > sinceMs)
    .map(({ endMs }) => endMs)
    .sort((a, b) => a - b);
  if (ackedAtMs.length === 0) return Number.POSITIVE_INFINITY;
  let previousMs = sinceMs;
  let longestMs = 0;
  for (const atMs of [...ackedAtMs, lastEndMs(history)]) {
    longestMs = Math.max(longestMs, atMs - previousMs);
    previousMs = atMs;
  }
  return longestMs;
}

function lastEndMs(history: History): number {
  return history.reduce((lastMs, { endMs }) => Math.max(lastMs, endMs), 0);
}

function countReasons(history: History): Record<string, number> {
  const counts = new Map<string, number>();
  for (const operation of history) {
    if (operation.outcome === "ok") continue;
    const reason = reasonOf(operation.error);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

const SHOWN_REASONS = 5;

/** `enqueue: acked 98, failed 1, unknown 1, p50 0.8 ms, p99 4.1 ms, 28/s for 3.5 s, seed 42 (ECONNREFUSED 1, …)` */
function lineOf(figures: Omit<Summary, "line">, kind: string | undefined): string {
  const { acked, failed, unknown, p50Ms, p99Ms, durationMs, perSecond, reasons, seed } = figures;
  const parts = [
    `acked ${acked}`,
    `failed ${failed}`,
    `unknown ${unknown}`,
    `p50 ${shownMs(p50Ms)}`,
    `p99 ${shownMs(p99Ms)}`,
    `${perSecond.toFixed(0)}/s for ${(durationMs / 1000).toFixed(1)} s`,
  ];
  if (seed !== undefined) parts.push(`seed ${seed}`);
  const counted = Object.entries(reasons).map(([reason, count]) => `${reason} ${count}`);
  const shown = counted.slice(0, SHOWN_REASONS);
  if (counted.length > shown.length) shown.push(`${counted.length - shown.length} more`);
  const errors = shown.length > 0 ? ` (${shown.join(", ")})` : "";
  return `${kind === undefined ? "" : `${kind}: `}${parts.join(", ")}${errors}`;
}

function shownMs(ms: number | undefined): string {
  return ms === undefined ? "-" : `${ms.toFixed(1)} ms`;
}
