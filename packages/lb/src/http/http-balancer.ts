/**
 * A balancer whose targets are pools of connections to web servers.
 *
 * What a request needs of all this is {@link ExchangeHost}: a target now, or later. The rest is care:
 *
 * - A server that has left keeps its connections until its last request is over (`onLeft`), and is
 *   then closed; closing the whole waits for those, too.
 * - Whether a pick can succeed now is known without asking: asking in vain costs an error, and is
 *   published as a request turned away.
 */

import {
  type AcquireOptions,
  type Balancer,
  createBalancer,
  type PickOptions,
} from "../balancer.ts";
import type { BalancerStats } from "../balancer-stats.ts";
import { type Discovery, type DiscoveryUpdate, isFailure } from "../discovery.ts";
import { LbError } from "../errors.ts";
import type { Lease } from "../lease.ts";
import type { Outcome } from "../outcome.ts";
import type { TargetOptions } from "../target.ts";
import {
  type DiscoveredServer,
  type HttpTargetOptions,
  httpEndpoint,
  type Protocol,
  targetOptions,
} from "./http-endpoint.ts";
import { type ConnectionRules, HttpTarget, type PoolListener } from "./http-target.ts";
import {
  type ExchangeRules,
  type LoadBalancerOptions,
  loadBalancerRules,
} from "./load-balancer-options.ts";
import type { ExchangeHost, Waiting } from "./next-target.ts";

/** {@link BalancerStats}, and what concerns HTTP. */
export interface LoadBalancerStats extends BalancerStats {
  /** How many retries the budget allows at this moment. */
  readonly retryBudget: number;
}

export class HttpBalancer implements ExchangeHost {
  readonly rules: ExchangeRules;
  destroyedBy: Error | undefined;
  readonly #balancer: Balancer<HttpTarget>;
  readonly #connection: ConnectionRules;
  readonly #protocol: Protocol;
  readonly #listener: PoolListener;
  readonly #maxInFlight: number;
  readonly #waiting = new Set<Waiting>();
  /** All whose connections are not closed yet. */
  readonly #open = new Set<HttpTarget>();
  readonly #closing = new Set<Promise<void>>();
  #isKnown = false;
  #leased = 0;
  #targetIds: readonly string[] | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: LoadBalancerOptions, listener: PoolListener) {
    const rules = loadBalancerRules(options);
    this.rules = rules.exchange;
    this.#connection = rules.connection;
    this.#protocol = rules.protocol;
    this.#maxInFlight = rules.maxInFlight;
    this.#listener = listener;
    const { targets } = options;
    this.#balancer = createBalancer<HttpTarget>({
      ...rules.balancing,
      targets:
        typeof targets === "function"
          ? this.#discovered(targets)
          : requireList(targets).map((target) => this.#described(target)),
      onLeft: (target) => this.#left(target),
    });
    // Rejected only by `close`, and then nobody needs to be told.
    this.#balancer.ready().then(
      () => this.#known(),
      () => {},
    );
    if (typeof targets !== "function") this.#known();
  }

  get hasRoom(): boolean {
    return this.#isKnown && this.#leased < this.#maxInFlight;
  }

  get isPanicking(): boolean {
    return this.#balancer.isPanicking;
  }

  pick(options: PickOptions): Lease<HttpTarget> {
    const lease = this.#balancer.pick(options);
    this.#leased++;
    return lease;
  }

  async acquire(options: AcquireOptions): Promise<Lease<HttpTarget>> {
    const lease = await this.#balancer.acquire(options);
    this.#leased++;
    return lease;
  }

  giveBack(lease: Lease<HttpTarget>, outcome: Outcome, latencyMs?: number): void {
    this.#leased--;
    lease.done(outcome, latencyMs);
  }

  waits(waiting: Waiting): void {
    this.#waiting.add(waiting);
  }

  waitsNoMore(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    if (this.#waiting.size === 0) this.#listener.drained(NOWHERE);
  }

  /** The same array as long as nobody came or left. */
  get targetIds(): readonly string[] {
    this.#targetIds ??= this.#balancer.stats().targets.map(({ id }) => id);
    return this.#targetIds;
  }

  ready(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return this.#balancer.ready(options);
  }

  add(target: HttpTargetOptions): void {
    this.#balancer.add(this.#described(target));
    this.#targetIds = undefined;
    this.#known();
  }

  remove(id: string): void {
    this.#balancer.remove(id);
    this.#targetIds = undefined;
  }

  drain(id: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return this.#balancer.drain(id, options);
  }

  resume(id: string): void {
    this.#balancer.resume(id);
  }

  stats(): LoadBalancerStats {
    return { ...this.#balancer.stats(), retryBudget: this.rules.budget.balance };
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async destroy(reason: Error | undefined): Promise<void> {
    const { name } = this.rules;
    const error =
      reason ?? new LbError("LB_CLOSED", `load balancer "${name}" was destroyed`, { pool: name });
    this.destroyedBy ??= error;
    // Takes nothing new from here on. Requests under way end with their pools, just below.
    const closed = this.close();
    for (const waiting of [...this.#waiting]) waiting.abort(error);
    await Promise.all([...this.#open].map((target) => target.destroy(error)));
    await closed;
  }

  async #close(): Promise<void> {
    await this.#balancer.close();
    await Promise.all(this.#closing);
  }

  #known(): void {
    this.#isKnown = true;
  }

  #left(target: HttpTarget): void {
    const closed = target.close().finally(() => {
      this.#open.delete(target);
      this.#closing.delete(closed);
    });
    this.#closing.add(closed);
  }

  #target(server: DiscoveredServer): HttpTarget {
    const endpoint = httpEndpoint(server, this.#protocol);
    return new HttpTarget(endpoint, this.#connection, this.#listener, this.#open);
  }

  #described(options: HttpTargetOptions): TargetOptions<HttpTarget> {
    return targetOptions(options, (server) => this.#target(server));
  }

  /** Targets that stay in a refresh are made in vain: without a request they hold nothing. */
  #discovered(discovery: Discovery<DiscoveredServer>): Discovery<HttpTarget> {
    const describe = (update: DiscoveryUpdate<DiscoveredServer>): DiscoveryUpdate<HttpTarget> => {
      if (isFailure(update)) return update;
      try {
        return update.map((found) => ({ ...found, target: this.#target(found.target) }));
      } catch (error) {
        // One server that is none; the balancer reports it and keeps those it has.
        return { failed: error };
      }
    };
    const changed = (): void => {
      this.#targetIds = undefined;
    };
    return async function* (signal) {
      for await (const update of discovery(signal)) {
        yield describe(update);
        // The balancer asks for more as soon as it has taken this over.
        changed();
      }
    };
  }
}

/** Where no request has gone yet: for the event of a queue that is empty again. */
const NOWHERE = new URL("http://load-balancer.invalid");

function requireList(targets: readonly HttpTargetOptions[]): readonly HttpTargetOptions[] {
  if (Array.isArray(targets)) return targets;
  throw new TypeError("targets must be an array of URLs, or a discovery");
}
