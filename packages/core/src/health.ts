/**
 * May this server be used, and how much?
 *
 * Servers are judged by how they answer real requests. One failure says little, so a server is
 * first only *suspect*; after several in a row it is *ejected* and gets nothing for a while. When
 * the while is over, one request *probes* it, because sending everything to a server that is still
 * down costs a failure each. A failed probe ejects it again, for twice as long.
 *
 *     healthy ⇄ suspect ──failures in a row, or `eject`──▶ ejected ──`probe`──▶ probing
 *        ▲                                                   ▲────failed──────────┤
 *        └──────────────────────────succeeded─────────────────────────────────────┘
 *     any ──`drain`──▶ draining ──`resume`──▶ healthy
 *
 * This file is only the decision: (state, event, time) → state, without I/O or timers, so that its
 * whole behaviour can be tested. Who owns the servers keeps a {@link Health} for each, feeds it
 * events, and sends a probe when {@link isProbeDue}.
 *
 * - Results carry the time their request *started*, and count only if that was after the server
 *   joined, or is the probe itself. Requests that were hanging when it was ejected thus cannot
 *   eject it again when they time out after its return.
 * - Each ejection is twice as long as the last, up to a cap (`health-policy`); each clean interval
 *   in rotation halves what counts of the last, and so forgives one.
 * - A server that joins or returns starts with a small share of traffic that grows (slow start):
 *   its caches, its pools and its compiler are cold.
 *
 * Not here: the success rate over a window (`success-window`, whose owner sends `eject`), and how
 * many servers may be out at once; one server cannot know that the others are down too.
 *
 * Sources: gRPC A50 (forgiveness; its growth is linear, the doubling is ours), Envoy outlier detection (5 in a row, 30 s, 300 s) and
 * slow start, linkerd2-proxy `http/breaker` (single probe).
 */

import type { FailureKind, HealthPolicy } from "./health-policy.ts";

export {
  type FailureKind,
  type HealthOptions,
  type HealthPolicy,
  healthPolicy,
} from "./health-policy.ts";

/** What is known about one server. Times are of a monotonic clock, in milliseconds. */
export type Health =
  /** In rotation; `ejectionMs` is how long it was out before `joinedMs`, 0 when new. */
  | { readonly status: "healthy"; readonly joinedMs: number; readonly ejectionMs: number }
  /** In rotation, with `failures` in a row. */
  | {
      readonly status: "suspect";
      readonly joinedMs: number;
      readonly ejectionMs: number;
      readonly failures: number;
    }
  /** Out of rotation for `ejectionMs`; may be probed from `untilMs` on. */
  | { readonly status: "ejected"; readonly untilMs: number; readonly ejectionMs: number }
  /** Out of rotation, with one request under way that decides. */
  | { readonly status: "probing"; readonly startedMs: number; readonly ejectionMs: number }
  /** Taken out by its owner; nothing but `resume` changes that. */
  | { readonly status: "draining" };

/**
 * What happened. `startedMs` is when the request began that this is the result of; for a probe,
 * the time of its `probe` event or later.
 */
export type HealthEvent =
  | { readonly type: "success"; readonly startedMs: number }
  | { readonly type: "failure"; readonly startedMs: number; readonly kind: FailureKind }
  /** The request ended without a verdict: its caller gave up. */
  | { readonly type: "abandoned"; readonly startedMs: number }
  /** Another signal wants it out: a success rate, an operator. */
  | { readonly type: "eject" }
  /** The owner starts a probe now. Does nothing unless one {@link isProbeDue}. */
  | { readonly type: "probe" }
  | { readonly type: "drain" }
  | { readonly type: "resume" };

/** A50's sweep interval: each that is spent in rotation undoes one doubling. */
const CLEAN_INTERVAL_MS = 10_000;

/** Enough for the server to show itself, and for a weighted pick to have a finite period (Envoy). */
const MIN_SLOW_START_WEIGHT = 0.1;

/** A server that has just joined, or is new to us. `nowMs` of a monotonic clock. */
export function initialHealth(nowMs: number): Health {
  return { status: "healthy", joinedMs: nowMs, ejectionMs: 0 };
}

/**
 * The state after `event` at `nowMs`; the same object when nothing changed. Pure but for the
 * policy's `random`, which is drawn once for each ejection. O(1).
 */
export function nextHealth(
  state: Health,
  event: HealthEvent,
  nowMs: number,
  policy: HealthPolicy,
): Health {
  if (event.type === "drain") return state.status === "draining" ? state : { status: "draining" };
  switch (state.status) {
    case "healthy":
    case "suspect":
      return nextInRotation(state, event, nowMs, policy);
    case "ejected":
      // Late results of requests sent before it was ejected say nothing new.
      return event.type === "probe" ? startProbe(state, nowMs, policy) : state;
    case "probing":
      return nextProbing(state, event, nowMs, policy);
    case "draining":
      return event.type === "resume" ? initialHealth(nowMs) : state;
  }
}

/** Whether the owner should send one request, or one check, to see if the server is back. */
export function isProbeDue(state: Health, nowMs: number, policy: HealthPolicy): boolean {
  if (state.status === "ejected") return nowMs >= state.untilMs;
  return state.status === "probing" && nowMs >= state.startedMs + policy.probeTimeoutMs;
}

/**
 * The share of its configured weight that a server gets: 0 out of rotation, 1 in it, and in
 * between while it starts slowly.
 *
 * Envoy's slow start with aggression 1: `max(0.1, t / slowStartMs)`. (Envoy also counts the first
 * second as a whole one; with its default window and minimum that changes nothing.)
 */
export function weightAt(state: Health, nowMs: number, policy: HealthPolicy): number {
  if (state.status !== "healthy" && state.status !== "suspect") return 0;
  const elapsedMs = nowMs - state.joinedMs;
  if (elapsedMs >= policy.slowStartMs) return 1;
  return Math.max(MIN_SLOW_START_WEIGHT, elapsedMs / policy.slowStartMs);
}

type InRotation = Extract<Health, { status: "healthy" | "suspect" }>;
type Probing = Extract<Health, { status: "probing" }>;

function nextInRotation(
  state: InRotation,
  event: HealthEvent,
  nowMs: number,
  policy: HealthPolicy,
): Health {
  const { joinedMs } = state;
  if (event.type === "eject") return eject(unforgiven(state, nowMs), "failed", nowMs, policy);
  if (event.type !== "success" && event.type !== "failure") return state;
  if (event.startedMs < joinedMs) return state;
  if (event.type === "success") {
    return state.status === "healthy"
      ? state
      : { status: "healthy", joinedMs, ejectionMs: state.ejectionMs };
  }
  const failures = state.status === "suspect" ? state.failures + 1 : 1;
  return failures < policy.consecutiveFailures
    ? { status: "suspect", joinedMs, ejectionMs: state.ejectionMs, failures }
    : eject(unforgiven(state, nowMs), event.kind, nowMs, policy);
}

function nextProbing(
  state: Probing,
  event: HealthEvent,
  nowMs: number,
  policy: HealthPolicy,
): Health {
  if (event.type === "probe") return startProbe(state, nowMs, policy);
  // Only the probe was let through since it started: whatever began earlier is a late result.
  if (!("startedMs" in event) || event.startedMs < state.startedMs) return state;
  const { ejectionMs } = state;
  switch (event.type) {
    case "success":
      return { status: "healthy", joinedMs: nowMs, ejectionMs };
    case "failure":
      return eject(ejectionMs, event.kind, nowMs, policy);
    case "abandoned":
      return { status: "ejected", untilMs: nowMs, ejectionMs };
  }
}

function startProbe(
  state: Health & { ejectionMs: number },
  nowMs: number,
  policy: HealthPolicy,
): Health {
  if (!isProbeDue(state, nowMs, policy)) return state;
  return { status: "probing", startedMs: nowMs, ejectionMs: state.ejectionMs };
}

function eject(lastMs: number, kind: FailureKind, nowMs: number, policy: HealthPolicy): Health {
  const ejectionMs = policy.eject(kind, lastMs);
  return { status: "ejected", untilMs: nowMs + ejectionMs, ejectionMs };
}

/** What counts of the last ejection after the clean time in rotation. */
function unforgiven(state: InRotation, nowMs: number): number {
  const cleanIntervals = Math.max(0, Math.floor((nowMs - state.joinedMs) / CLEAN_INTERVAL_MS));
  return state.ejectionMs / 2 ** cleanIntervals;
}
