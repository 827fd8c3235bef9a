/**
 * The read of one definition: the process first, then the store, then the loader.
 *
 *     fresh in the process ─────────────────────────────────────► that
 *     stale, may be served ────► that, and refresh behind it
 *     else join the flight of this key, or start it:
 *       the store has it ──────► keep a copy ───────────────────► that
 *       lease granted ─────────► load, fill the store ──────────► keep a copy if the fill was taken
 *       another one loads ─────► stale if allowed, else ask again for a while, then load alone
 *       store unreachable ─────► load alone, keep a copy for a short time
 *       the load fails ────────► stale if allowed, else its error, to all who wait
 *
 * The invariant: **no read that starts after `invalidate()` has resolved gets what was read from
 * the source before it.** In the process a flight that was under way is forgotten: nobody joins it
 * any more and what it finds is not kept. In the store its lease is void. The process does its part
 * before the store is told and again after, because in between a read may have fetched the old
 * value. Between processes the same holds from the moment the message of the bus arrives.
 *
 * What is *not* guaranteed: that a value is loaded once. A lease that runs out, a store that does
 * not answer and a wait that takes too long all lead to one more load, never to a wrong value.
 */

import type { Answer, AnswerLog } from "./answer-log.ts";
import type { CoarseClock } from "./coarse-clock.ts";
import type { Copies } from "./copies.ts";
import { Flight } from "./flight.ts";
import { refreshesEarly } from "./freshness.ts";
import type { LocalEntry } from "./local-entry.ts";
import type { Read, Retrieval } from "./retrieval.ts";
import type { Call, Source } from "./source.ts";
import type { Counters } from "./stats.ts";

export interface ReadThroughOptions {
  readonly time: CoarseClock;
  readonly copies: Copies;
  readonly source: Source;
  readonly retrieval: Retrieval;
  readonly log: AnswerLog;
  readonly counters: Counters;
}

export class ReadThrough {
  readonly #options: ReadThroughOptions;
  readonly #flights = new Map<string, Flight>();

  constructor(options: ReadThroughOptions) {
    this.#options = options;
  }

  /** How many keys are being read, refreshed or written. */
  get underWay(): number {
    return this.#flights.size;
  }

  /** The promise of a copy that is nothing but fresh: the path on which nothing is allocated. */
  hit(key: string): Promise<unknown> | undefined {
    const copy = this.#options.copies.get(key);
    if (copy === undefined || this.#options.time.nowMs() >= copy.quietUntilMs) return undefined;
    this.#options.counters.localHits++;
    return copy.promise;
  }

  /** The value of a copy that is fresh; starts nothing. */
  peek(key: string): unknown {
    const copy = this.#options.copies.get(key);
    return copy !== undefined && this.#options.time.nowMs() < copy.freshUntilMs
      ? copy.value
      : undefined;
  }

  /** The value, from wherever it is. */
  read(call: Call, signal?: AbortSignal, answer?: Answer): Promise<unknown> {
    const copy = this.#options.copies.get(call.key);
    if (copy === undefined) return this.#join(call, undefined, signal, answer);
    const nowMs = call.rules.clock.monotonicNow();
    if (nowMs >= copy.staleUntilMs) return this.#join(call, copy, signal, answer);
    if (nowMs >= copy.quietUntilMs) this.#maybeRefresh(call, copy, nowMs);
    else call.leave?.();
    this.#options.log.note(nowMs < copy.freshUntilMs ? "hit" : "stale", "l1", answer);
    return copy.promise;
  }

  /** A value that is loaded from now on, whatever there is. */
  refresh(call: Call): Promise<unknown> {
    this.forget(call.key);
    return this.#start(call, undefined, undefined, (read) =>
      this.#options.retrieval.load(read, true),
    ).join();
  }

  /** Drops the copy, and lets nobody make one of what is under way. */
  void(key: string): void {
    this.#options.copies.drop(key);
    this.forget(key);
  }

  voidAll(): void {
    this.#options.copies.dropAll();
    this.forgetAll();
  }

  /** `forget` for every key: a tag was bumped, and nobody knows who will have it. */
  forgetAll(): void {
    for (const flight of this.#flights.values()) flight.current = false;
    this.#flights.clear();
    this.#options.source.forgetAll();
  }

  /** Nobody joins what is under way for this key, and it keeps nothing. */
  forget(key: string): void {
    const flight = this.#flights.get(key);
    if (flight !== undefined) flight.current = false;
    this.#flights.delete(key);
    this.#options.source.forget(key);
  }

  /** Takes the place of a read while a value is written: those who read meanwhile get what `write` gives. */
  write(key: string, write: (flight: Flight) => Promise<unknown>): Promise<unknown> {
    this.void(key);
    const flight = new Flight(key);
    this.#fly(flight, write(flight));
    return flight.join();
  }

  #join(
    call: Call,
    stale: LocalEntry | undefined,
    signal: AbortSignal | undefined,
    answer: Answer | undefined,
  ): Promise<unknown> {
    if (signal?.aborted) {
      call.leave?.();
      return Promise.reject(signal.reason);
    }
    const flight = this.#flights.get(call.key);
    if (flight === undefined) {
      const started = this.#start(call, stale, answer, (read) =>
        this.#options.retrieval.seek(read),
      );
      return this.#wait(started, signal);
    }
    call.leave?.();
    this.#options.counters.coalesced++;
    if (answer !== undefined) answer.coalesced = true;
    return this.#wait(flight, signal);
  }

  #wait(flight: Flight, signal: AbortSignal | undefined): Promise<unknown> {
    return signal === undefined
      ? flight.join()
      : flight.joinUntil(signal, () => this.#land(flight));
  }

  #start(
    call: Call,
    stale: LocalEntry | undefined,
    answer: Answer | undefined,
    run: (read: Read) => Promise<unknown>,
  ): Flight {
    const flight = new Flight(call.key);
    // Before it runs: a loader that asks for its own key joins itself, and ends at the time limit.
    this.#flights.set(call.key, flight);
    this.#fly(flight, run({ flight, call, stale, answer }), call);
    return flight;
  }

  #fly(flight: Flight, work: Promise<unknown>, call?: Call): void {
    this.#flights.set(flight.key, flight);
    const end = (): void => {
      call?.leave?.();
      this.#land(flight);
    };
    work.then(
      (value) => {
        end();
        flight.answer(value);
      },
      (reason) => {
        end();
        flight.fail(reason);
      },
    );
  }

  #land(flight: Flight): void {
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key);
  }

  /** A copy near its end or past it is loaded again behind the reads that it still answers. */
  #maybeRefresh(call: Call, copy: LocalEntry, nowMs: number): void {
    const { rules } = call;
    const leftMs = copy.freshUntilMs - nowMs;
    const due = leftMs <= 0 || refreshesEarly(rules, copy.entry.loadMs, leftMs, rules.random);
    if (!due || this.#flights.has(call.key)) {
      call.leave?.();
      return;
    }
    const flight = this.#start(call, copy, undefined, (read) =>
      this.#options.retrieval.refreshBehind(read, copy),
    );
    flight.keepFlying().answer(copy.value);
  }
}
