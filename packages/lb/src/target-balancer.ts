/**
 * Requests spread over targets of any kind.
 *
 * Four questions, each answered in a file of its own: who exists (`roster`, fed by the application or
 * a `discovery`), who is healthy (`judge`), who may be picked (`rotation`), who is chosen
 * (`policies/`). This file puts them together and keeps what holds for all requests:
 *
 * - A request is a {@link Lease}, given back exactly once; what is in flight is what is leased.
 * - How it ended moves the target's health and latency estimate. A failure counts as a slow answer
 *   (5 s), or else a target that fails at once would look like the fastest and draw all traffic: the
 *   black hole of every balancer that knows only latency or load.
 * - An ejected target is probed with one request. It is one that may be repeated elsewhere; when
 *   none came for a second, any will do. With active checks, those probe instead.
 * - Nothing waits but `acquire`: for room, and for the first answer of the discovery.
 *
 * Time is read once a pick and once an end. A pick allocates the lease, and nothing else.
 */

import { unlessAborted } from "@headroom/core/on-abort";
import type { Key } from "@headroom/hashing";
import { ActiveChecks } from "./active-check.ts";
import type { AcquireOptions, Balancer, PickOptions } from "./balancer.ts";
import { BalancerEvents } from "./balancer-events.ts";
import { type BalancerOptions, type BalancerRules, balancerRules } from "./balancer-options.ts";
import { type BalancerStats, statsOf } from "./balancer-stats.ts";
import { Bulkhead } from "./bulkhead.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { followDiscovery } from "./discovery.ts";
import type { Endpoint } from "./endpoint.ts";
import { LbError } from "./errors.ts";
import { Judge } from "./judge.ts";
import { Learning } from "./learning.ts";
import { EndpointLease, type Lease, type LeaseOwner } from "./lease.ts";
import type { Outcome } from "./outcome.ts";
import { PauseWatch } from "./pause-watch.ts";
import { Roster } from "./roster.ts";
import { buildRotation, type Rotation } from "./rotation.ts";
import { type RunOptions, run, type Work } from "./run.ts";
import type { TargetOptions } from "./target.ts";

/** Any request may be the probe of a target that has waited this long for a repeatable one. */
const PROBE_PATIENCE_MS = 1_000;

export class TargetBalancer<T> implements Balancer<T>, LeaseOwner<T> {
  readonly name: string;
  readonly #rules: BalancerRules<T>;
  readonly #roster: Roster<T>;
  readonly #judge: Judge<T>;
  readonly #learning: Learning<T>;
  readonly #events: BalancerEvents;
  readonly #bulkhead: Bulkhead;
  readonly #pauses: PauseWatch;
  readonly #checks: ActiveChecks<T> | undefined;
  readonly #ended = new AbortController();
  readonly #known = deferred();
  readonly #drained = new Map<Endpoint<T>, Deferred<void>>();
  #isKnown = false;
  #inFlight = 0;
  #idle: Deferred<void> | undefined;
  /** Built when somebody asks, after something has changed. */
  #rotation: Rotation<T> | undefined;
  #nextProbeMs = Number.POSITIVE_INFINITY;
  /** One for all picks: they never overlap. */
  readonly #request: {
    nowMs: number;
    key: Key | undefined;
    exclude: ReadonlySet<Endpoint<T>> | undefined;
  } = { nowMs: 0, key: undefined, exclude: undefined };

  constructor(options: BalancerOptions<T>) {
    const rules = balancerRules(options);
    this.#rules = rules;
    this.name = rules.name;
    this.#events = new BalancerEvents(rules.name, rules.clock);
    this.#pauses = new PauseWatch(rules.clock);
    this.#bulkhead = new Bulkhead({
      ...rules,
      pool: rules.name,
      onRejected: (reason) => this.#events.rejected(reason),
    });
    this.#roster = new Roster(
      {
        decayMs: rules.decayMs,
        initialMs: rules.initialMs,
        window: {
          windowMs: rules.successRate?.windowMs,
          minRequests: rules.successRate?.minRequests,
        },
      },
      {
        joined: (endpoint) => {
          this.#judge.joined(endpoint);
          this.#checks?.add(endpoint.id, endpoint.target);
        },
        left: (endpoint) => {
          this.#judge.left(endpoint);
          this.#checks?.remove(endpoint.id);
        },
        released: (endpoint) => rules.onLeft(endpoint.target),
      },
    );
    this.#judge = new Judge(this.#roster, rules, () => {
      this.#rotation = undefined;
    });
    this.#learning = new Learning(this.#judge, rules.failureMs);
    if (rules.check !== undefined) {
      this.#checks = new ActiveChecks(rules.check, {
        clock: rules.clock,
        random: rules.random,
        onResult: (id, isFit) => this.#checked(id, isFit),
        isProven: (id, sinceMs) => this.#roster.get(id)?.hasProvenItself(sinceMs) === true,
      });
    }
    this.#follow(options.targets);
  }

  get isPanicking(): boolean {
    return this.#currentRotation(this.#rules.clock.monotonicNow()).isPanicking;
  }

  pick(options: PickOptions = NO_OPTIONS): Lease<T> {
    this.#requireOpen();
    if (!this.#bulkhead.tryEnter()) {
      throw this.#rejected("overloaded", `has ${this.#inFlight} requests under way, its limit`);
    }
    return this.#lease(options);
  }

  async acquire(options: AcquireOptions = NO_OPTIONS): Promise<Lease<T>> {
    this.#requireOpen();
    if (!this.#isKnown) await this.ready(options);
    if (!this.#bulkhead.tryEnter()) await this.#bulkhead.enter(options);
    if (!this.#ended.signal.aborted) return this.#lease(options);
    this.#bulkhead.leave();
    throw this.#rejected("closed", "is closed");
  }

  run<Result>(work: Work<T, Result>, options: RunOptions = {}): Promise<Result> {
    return run(this, this.#rules, work, options);
  }

  async ready({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    signal?.throwIfAborted();
    await (signal === undefined
      ? this.#known.promise
      : unlessAborted(signal, () => this.#known.promise));
  }

  add(target: TargetOptions<T>): void {
    this.#requireOpen();
    this.#roster.add(target, this.#rules.clock.monotonicNow());
    this.#nowKnown();
  }

  remove(id: string): void {
    this.#roster.remove(id);
  }

  async drain(
    id: string,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const endpoint = this.#roster.require(id);
    this.#judge.drain(endpoint, this.#rules.clock.monotonicNow());
    if (endpoint.inFlight === 0) return;
    const drained = this.#drained.get(endpoint) ?? deferred();
    this.#drained.set(endpoint, drained);
    await (signal === undefined ? drained.promise : unlessAborted(signal, () => drained.promise));
  }

  resume(id: string): void {
    this.#judge.resume(this.#roster.require(id), this.#rules.clock.monotonicNow());
  }

  stats(): BalancerStats {
    const nowMs = this.#rules.clock.monotonicNow();
    const rotation = this.#currentRotation(nowMs);
    return statsOf(this.name, this.#roster, rotation, this.#bulkhead.queued, nowMs);
  }

  async close(): Promise<void> {
    if (!this.#ended.signal.aborted) {
      this.#ended.abort(new LbError("LB_CLOSED", this.#says("is closed"), { pool: this.name }));
      this.#checks?.close();
      this.#known.reject(this.#ended.signal.reason);
    }
    if (this.#inFlight > 0) {
      this.#idle ??= deferred();
      await this.#idle.promise;
    }
    for (const endpoint of [...this.#roster]) this.#roster.remove(endpoint.id);
    this.#pauses.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  leaseOver(lease: EndpointLease<T>, outcome: Outcome, latencyMs: number | undefined): void {
    const nowMs = this.#rules.clock.monotonicNow();
    const { candidate: endpoint, startedMs } = lease;
    const ending = {
      startedMs,
      tookMs: latencyMs ?? nowMs - startedMs,
      ownPauseMs: this.#pauses.pausedMs(nowMs) - lease.pausedMs,
    };
    endpoint.inFlight--;
    this.#inFlight--;
    this.#pauses.leave();
    this.#bulkhead.leave();
    this.#learning.learn(endpoint, outcome, ending, nowMs);
    if (endpoint.inFlight === 0) this.#emptied(endpoint);
    if (this.#inFlight === 0) this.#idle?.resolve();
  }

  #lease(options: PickOptions): Lease<T> {
    const nowMs = this.#rules.clock.monotonicNow();
    const endpoint = this.#choose(options, nowMs);
    if (endpoint === undefined) {
      this.#bulkhead.leave();
      if (options.again === true) throw this.#error("no-target", this.#whyNoTarget());
      throw this.#rejected("no-target", this.#whyNoTarget());
    }
    endpoint.inFlight++;
    endpoint.requests++;
    this.#inFlight++;
    this.#pauses.enter(nowMs);
    return new EndpointLease(this, endpoint, nowMs, this.#pauses.pausedMs(nowMs));
  }

  #choose(options: PickOptions, nowMs: number): Endpoint<T> | undefined {
    const rotation = this.#currentRotation(nowMs);
    // Only endpoints of ours are ever excluded with effect: identity is the object.
    const exclude = options.exclude as ReadonlySet<Endpoint<T>> | undefined;
    if (options.prefer !== undefined) {
      const preferred = this.#roster.get(options.prefer);
      if (preferred?.isAvailable && !exclude?.has(preferred)) return preferred;
    }
    if (nowMs >= this.#nextProbeMs) {
      const probed = this.#probe(options, exclude, nowMs);
      if (probed !== undefined) return probed;
    }
    const request = this.#request;
    request.nowMs = nowMs;
    request.key = options.key;
    request.exclude = exclude;
    return rotation.pick(request, this.#rules.random) ?? this.#lastResort(exclude);
  }

  #probe(
    options: PickOptions,
    exclude: ReadonlySet<Endpoint<T>> | undefined,
    nowMs: number,
  ): Endpoint<T> | undefined {
    if (this.#checks !== undefined) return undefined;
    const isPatient = nowMs < this.#nextProbeMs + PROBE_PATIENCE_MS;
    if (isPatient && options.repeatable !== true) return undefined;
    return this.#judge.startProbe(exclude, nowMs);
  }

  /** All in rotation were tried: better one that is ejected than none at all. */
  #lastResort(exclude: ReadonlySet<Endpoint<T>> | undefined): Endpoint<T> | undefined {
    for (const endpoint of this.#roster) {
      if (!endpoint.isDraining && !exclude?.has(endpoint)) return endpoint;
    }
    return undefined;
  }

  #currentRotation(nowMs: number): Rotation<T> {
    if (this.#rotation !== undefined && nowMs < this.#rotation.staleMs) return this.#rotation;
    const rotation = buildRotation(this.#roster.levels, this.#rules, nowMs);
    this.#rotation = rotation;
    this.#nextProbeMs = this.#judge.nextProbeMs;
    this.#events.panicking(rotation.panics);
    return rotation;
  }

  #emptied(endpoint: Endpoint<T>): void {
    this.#drained.get(endpoint)?.resolve();
    this.#drained.delete(endpoint);
    this.#roster.settle(endpoint);
  }

  #checked(id: string, isFit: boolean): void {
    const endpoint = this.#roster.get(id);
    if (endpoint) this.#judge.checked(endpoint, isFit, this.#rules.clock.monotonicNow());
  }

  #follow(targets: BalancerOptions<T>["targets"]): void {
    const { clock, random } = this.#rules;
    if (typeof targets !== "function") {
      for (const target of targets) this.#roster.add(target, clock.monotonicNow());
      this.#nowKnown();
      return;
    }
    // Whoever waits is told by `ready`; if nobody does, the rejection at `close` is no news.
    this.#known.promise.catch(() => {});
    const listener = {
      targets: (list: readonly TargetOptions<T>[]): void => {
        this.#roster.refresh(list, clock.monotonicNow());
        this.#rotation = undefined;
        this.#nowKnown();
      },
      failed: (error: unknown): void => this.#events.discoveryFailed(error),
    };
    const { signal } = this.#ended;
    void followDiscovery(targets, listener, { signal, clock, random });
  }

  #nowKnown(): void {
    this.#isKnown = true;
    this.#known.resolve();
  }

  #requireOpen(): void {
    if (this.#ended.signal.aborted) throw this.#rejected("closed", "is closed");
  }

  #whyNoTarget(): string {
    if (!this.#isKnown) return "does not know its targets yet: wait for ready(), or use acquire()";
    if (this.#roster.size === 0) return "has no targets";
    return `has ${this.#roster.size} targets, and all of them are draining or were tried`;
  }

  #rejected(reason: "no-target" | "overloaded" | "closed", what: string): LbError {
    this.#events.rejected(reason);
    return this.#error(reason, what);
  }

  #error(reason: "no-target" | "overloaded" | "closed", what: string): LbError {
    return new LbError(REJECTION_CODES[reason], this.#says(what), { pool: this.name });
  }

  #says(what: string): string {
    return `load balancer "${this.name}" ${what}`;
  }
}

const NO_OPTIONS: AcquireOptions = {};

const REJECTION_CODES = {
  "no-target": "LB_NO_TARGET",
  overloaded: "LB_OVERLOADED",
  closed: "LB_CLOSED",
} as const;
