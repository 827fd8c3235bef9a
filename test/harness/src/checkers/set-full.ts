import {
  type Element,
  type History,
  type Lifetime,
  type OkOperation,
  requireElement,
  requireElements,
} from "../operation.ts";
import { percentile } from "../percentile.ts";

/**
 * When does what was written become visible, and does it stay so? Jepsen's `set-full`, for a history
 * of `add`s of one element each and `read`s that give all elements present.
 *
 * An element is *known* from the acknowledgement of its add or the end of the first read that saw it,
 * whichever is earlier. Then the last read (by when it began) that saw it and the last that missed
 * it decide:
 *
 * - **stable**: the last one saw it. *Stale* too, if a read that began after it was known missed it;
 *   its *stable latency* is how long after it was known that still happened, else 0.
 * - **lost**: the last one missed it, although it began after the element was known. A read that runs
 *   beside the add may miss it: it can have looked before. *Lost latency* likewise: how long after
 *   it was known it was last seen, 0 if never.
 * - **never read**: neither; nobody looked late enough, or it was never known to exist.
 *
 * Valid: `false` when something is lost, duplicated or unexpected, or (only if `linearizable` is
 * asked) stale; `"unknown"` when nothing was seen to be stable, for then nothing was tested.
 *
 * Source: jepsen-io/jepsen, `jepsen/src/jepsen/checker.clj`, `set-full`. Four things differ:
 * quantiles are of nearest rank, as all of ours; staleness is by order of events and not by a rounded
 * millisecond; an element twice in one read makes the history invalid, as Jepsen's documents mean;
 * and an element that nobody had begun to add is reported (`unexpected`) where Jepsen ignores it.
 */
export interface SetFullResult {
  readonly valid: boolean | "unknown";
  readonly attemptCount: number;
  readonly stableCount: number;
  readonly lost: readonly Element[];
  readonly neverRead: readonly Element[];
  readonly stale: readonly Element[];
  /** The stale elements that took longest, at most 8, the worst first. */
  readonly worstStale: readonly { readonly element: Element; readonly stableLatencyMs: number }[];
  /** Elements that some read gave more than once. */
  readonly duplicated: readonly Element[];
  /** Elements that a read gave before anybody had begun to add them. */
  readonly unexpected: readonly Element[];
  /** `undefined` when no element was stable. */
  readonly stableLatenciesMs: Quantiles | undefined;
  /** `undefined` when no element was lost. */
  readonly lostLatenciesMs: Quantiles | undefined;
}

/** Milliseconds by quantile. */
type Quantiles = Readonly<Record<"0" | "0.5" | "0.95" | "0.99" | "1", number>>;

export interface SetFullOptions {
  /** Whether a read may miss an element that was known before it began. @default false */
  readonly linearizable?: boolean | undefined;
}

/**
 * Reads `add` (its value, acknowledged or not) and `read` (its result); other kinds are ignored.
 * O(reads × elements).
 *
 * @throws RangeError when an element is added twice: its two timelines could not be told apart.
 */
export function checkSetFull(history: History, options: SetFullOptions = {}): SetFullResult {
  const { timelines, duplicated, unexpected } = observe(history);
  const verdicts = [...timelines].map(([element, timeline]) => ({ element, ...judge(timeline) }));
  const stable = verdicts.filter(({ outcome }) => outcome === "stable");
  const lost = verdicts.filter(({ outcome }) => outcome === "lost");
  const stale = stable.filter((verdict) => verdict.isStale);
  const isWrong = lost.length > 0 || duplicated.size > 0 || unexpected.size > 0;
  const isTooStale = options.linearizable === true && stale.length > 0;
  return {
    valid: isWrong || isTooStale ? false : stable.length === 0 ? "unknown" : true,
    attemptCount: timelines.size,
    stableCount: stable.length,
    lost: elementsOf(lost),
    neverRead: elementsOf(verdicts.filter(({ outcome }) => outcome === "never-read")),
    stale: elementsOf(stale),
    worstStale: stale
      .map(({ element, latencyMs }) => ({ element, stableLatencyMs: latencyMs }))
      .sort((a, b) => b.stableLatencyMs - a.stableLatencyMs)
      .slice(0, 8),
    duplicated: [...duplicated],
    unexpected: [...unexpected],
    stableLatenciesMs: quantilesOf(stable),
    lostLatenciesMs: quantilesOf(lost),
  };
}

interface Moment {
  readonly index: number;
  readonly ms: number;
}

/** What the history says of one element. A read is named by the moment it began. */
interface Timeline {
  readonly addBegan: Moment;
  known: Moment | undefined;
  lastPresent: Moment | undefined;
  lastAbsent: Moment | undefined;
}

interface Observations {
  readonly timelines: Map<Element, Timeline>;
  readonly duplicated: Set<Element>;
  readonly unexpected: Set<Element>;
}

function observe(history: History): Observations {
  const observations: Observations = {
    timelines: timelinesOf(history),
    duplicated: new Set(),
    unexpected: new Set(),
  };
  for (const operation of history) {
    if (operation.kind === "read" && operation.outcome === "ok") applyRead(observations, operation);
  }
  return observations;
}

function timelinesOf(history: History): Map<Element, Timeline> {
  const timelines = new Map<Element, Timeline>();
  for (const operation of history) {
    if (operation.kind !== "add") continue;
    const element = requireElement("add", operation.value);
    if (timelines.has(element)) {
      throw new RangeError(`add must have an element of its own each time, got ${element} twice`);
    }
    timelines.set(element, {
      addBegan: startOf(operation),
      known: operation.outcome === "ok" ? endOf(operation) : undefined,
      lastPresent: undefined,
      lastAbsent: undefined,
    });
  }
  return timelines;
}

function applyRead({ timelines, duplicated, unexpected }: Observations, read: OkOperation): void {
  const [began, ended] = [startOf(read), endOf(read)];
  const seen = new Set<Element>();
  for (const element of requireElements("read", read.result)) {
    if (seen.has(element)) duplicated.add(element);
    seen.add(element);
    const timeline = timelines.get(element);
    if (!timeline || ended.index < timeline.addBegan.index) unexpected.add(element);
  }
  for (const [element, timeline] of timelines) {
    if (ended.index < timeline.addBegan.index) continue;
    if (seen.has(element)) {
      timeline.known = earlier(timeline.known, ended);
      timeline.lastPresent = later(timeline.lastPresent, began);
    } else {
      timeline.lastAbsent = later(timeline.lastAbsent, began);
    }
  }
}

interface Verdict {
  readonly outcome: "stable" | "lost" | "never-read";
  /** Stable or lost latency. */
  readonly latencyMs: number;
  readonly isStale: boolean;
}

function judge({ known, lastPresent, lastAbsent }: Timeline): Verdict {
  const neverRead: Verdict = { outcome: "never-read", latencyMs: 0, isStale: false };
  if (!known) return neverRead;
  if (lastPresent && isBefore(lastAbsent, lastPresent)) {
    const isStale = isBefore(known, lastAbsent);
    return { outcome: "stable", latencyMs: latencyMs(known, lastAbsent), isStale };
  }
  if (isBefore(known, lastAbsent)) {
    return { outcome: "lost", latencyMs: latencyMs(known, lastPresent), isStale: false };
  }
  return neverRead;
}

function latencyMs(known: Moment, last: Moment | undefined): number {
  return last ? Math.max(0, last.ms - known.ms) : 0;
}

/** An event that never happened is before every other. */
function isBefore(a: Moment | undefined, b: Moment | undefined): boolean {
  return (a?.index ?? -1) < (b?.index ?? -1);
}

function earlier(a: Moment | undefined, b: Moment): Moment {
  return a && a.index < b.index ? a : b;
}

function later(a: Moment | undefined, b: Moment): Moment {
  return a && a.index > b.index ? a : b;
}

function startOf({ startIndex, startMs }: Lifetime): Moment {
  return { index: startIndex, ms: startMs };
}

function endOf({ endIndex, endMs }: Lifetime): Moment {
  return { index: endIndex, ms: endMs };
}

function elementsOf(verdicts: readonly { readonly element: Element }[]): Element[] {
  return verdicts.map(({ element }) => element);
}

function quantilesOf(verdicts: readonly Verdict[]): Quantiles | undefined {
  const latencies = verdicts.map((verdict) => verdict.latencyMs);
  if (latencies.length === 0) return undefined;
  const at = (fraction: number): number => percentile(latencies, fraction) ?? 0;
  return { "0": at(0), "0.5": at(0.5), "0.95": at(0.95), "0.99": at(0.99), "1": at(1) };
}
