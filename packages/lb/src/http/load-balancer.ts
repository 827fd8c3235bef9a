/**
 * An undici dispatcher in front of many web servers.
 *
 *     const lb = createLoadBalancer({ targets: ["http://10.0.0.1:3000", "http://10.0.0.2:3000"] });
 *     await fetch("http://users/7", { dispatcher: lb });
 *     await lb.request({ path: "/7", method: "GET" });
 *
 * It is used wherever undici takes a dispatcher, so that nothing else in an application changes.
 * **The origin of a URL is ignored:** where a request goes is the balancer's choice among its
 * targets, and nothing that is in a request, be it a URL or a redirect, can lead anywhere else.
 *
 * `dispatch` says `false` when a request had to wait or its target's connections are busy; the event
 * `drain` tells when that is over. As with undici's own pools that is advice: whatever is dispatched is
 * taken.
 *
 * This class holds one field. undici's `compose` puts a `Proxy` around it, and private fields do not
 * reach through one; all else is in {@link HttpBalancer}.
 */

import { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import {
  Dispatcher,
  type RequestInit,
  type Response,
  errors as undiciErrors,
  fetch as undiciFetch,
} from "undici";
import { callerOf } from "./caller.ts";
import { Exchange } from "./exchange.ts";
import { traceExchange } from "./exchange-trace.ts";
import { HttpBalancer, type LoadBalancerStats } from "./http-balancer.ts";
import type { HttpTargetOptions } from "./http-endpoint.ts";
import type { PoolListener } from "./http-target.ts";
import type { LoadBalancerOptions } from "./load-balancer-options.ts";
import { createProxy, type ProxyMiddleware } from "./proxy.ts";
import { type ProxyOptions, proxyRules } from "./proxy-options.ts";
import type { Routing, RoutingDispatchOptions } from "./routing.ts";
import { createUpgrade, type UpgradeListener } from "./upgrade.ts";

export type { LoadBalancerStats } from "./http-balancer.ts";
export type { LoadBalancerOptions } from "./load-balancer-options.ts";

/** undici's, with what the load balancer alone is to know. */
export interface BalancedRequestOptions<Opaque = null> extends Dispatcher.RequestOptions<Opaque> {
  readonly routing?: Routing | undefined;
}

/**
 * A load balancer over `targets`.
 *
 * @throws TypeError or RangeError naming the option that is unknown or out of its range.
 */
export function createLoadBalancer(options: LoadBalancerOptions): LoadBalancer {
  return new LoadBalancer(options);
}

/** What {@link LoadBalancer.proxy} gives. */
export interface ReverseProxy extends ProxyMiddleware {
  /** For `server.on("upgrade", …)`. */
  readonly upgrade: UpgradeListener;
}

/** To be had of {@link createLoadBalancer}. */
export class LoadBalancer extends Dispatcher implements AsyncDisposable {
  private readonly balancer: HttpBalancer;

  constructor(options: LoadBalancerOptions) {
    super();
    this.balancer = new HttpBalancer(options, listenerOf(this));
  }

  /** The configured name. */
  get name(): string {
    return this.balancer.rules.name;
  }

  /** The ids of all targets; the same array as long as none came or left. */
  get targetIds(): readonly string[] {
    return this.balancer.targetIds;
  }

  /** No more requests are taken. */
  get closed(): boolean {
    return this.balancer.isClosed;
  }

  /** All requests were ended. */
  get destroyed(): boolean {
    return this.balancer.destroyedBy !== undefined;
  }

  /**
   * Sends a request to one of the targets, and again to others as far as that is allowed. The handler
   * gets one answer or one error: an LbError `LB_UPSTREAM`, `LB_TIMEOUT`, `LB_NO_TARGET`,
   * `LB_OVERLOADED` or `LB_CLOSED`; its own reason, unwrapped, when it aborted.
   *
   * @throws InvalidArgumentError `UND_ERR_INVALID_ARG` when `handler` is none.
   */
  override dispatch(
    options: Dispatcher.DispatchOptions | RoutingDispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    const caller = callerOf(handler);
    if (typeof options !== "object" || options === null) {
      caller.onError(new undiciErrors.InvalidArgumentError("opts must be an object."));
      return true;
    }
    let exchange: Exchange;
    try {
      exchange = new Exchange(this.balancer, options, caller);
    } catch (error) {
      // Its body is nothing that can be sent.
      caller.onError(error as Error);
      return true;
    }
    return traceExchange(this.balancer.rules, exchange, options.method);
  }

  /** As `Dispatcher.request`, with `routing`. */
  override request<Opaque = null>(
    options: BalancedRequestOptions<Opaque>,
  ): Promise<Dispatcher.ResponseData<Opaque>>;
  override request<Opaque = null>(
    options: BalancedRequestOptions<Opaque>,
    callback: (error: Error | null, data: Dispatcher.ResponseData<Opaque>) => void,
  ): void;
  override request<Opaque = null>(
    options: BalancedRequestOptions<Opaque>,
    callback?: (error: Error | null, data: Dispatcher.ResponseData<Opaque>) => void,
  ): Promise<Dispatcher.ResponseData<Opaque>> | undefined {
    if (callback === undefined) return super.request(options);
    super.request(options, callback);
    return undefined;
  }

  /**
   * `fetch` for a path: `lb.fetch("/users/7")`.
   *
   * @throws TypeError when `path` does not begin with a slash; as `fetch`, with the LbError as `cause`.
   */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    if (typeof path !== "string" || !path.startsWith("/")) {
      return Promise.reject(new TypeError("path must begin with a slash"));
    }
    return undiciFetch(`${BASE}${path}`, { ...init, dispatcher: this });
  }

  /**
   * A reverse proxy: an Express or Connect middleware, or a listener of `node:http`. It answers every
   * request that reaches it. Its `upgrade` is the listener for WebSocket with the same options.
   *
   * @throws TypeError or RangeError naming the option that is unknown or out of its range.
   */
  proxy(options: ProxyOptions = {}): ReverseProxy {
    const rules = proxyRules(this.name, options);
    const middleware = createProxy(this, rules, this.balancer.rules.clock);
    return Object.assign(middleware, { upgrade: createUpgrade(this, rules) });
  }

  /** A client's WebSocket to one of the targets, as `proxy().upgrade` with no options. */
  override upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  override upgrade(options: Dispatcher.UpgradeOptions): Promise<Dispatcher.UpgradeData>;
  override upgrade(
    options: Dispatcher.UpgradeOptions,
    callback: (error: Error | null, data: Dispatcher.UpgradeData) => void,
  ): void;
  override upgrade(
    given: IncomingMessage | Dispatcher.UpgradeOptions,
    next?: Duplex | ((error: Error | null, data: Dispatcher.UpgradeData) => void),
    head?: Buffer,
  ): Promise<Dispatcher.UpgradeData> | undefined {
    if (given instanceof IncomingMessage) {
      this.proxy().upgrade(given, next as Duplex, head ?? Buffer.alloc(0));
      return undefined;
    }
    if (typeof next !== "function") return super.upgrade(given);
    super.upgrade(given, next as (error: Error | null, data: Dispatcher.UpgradeData) => void);
    return undefined;
  }

  /** Resolves when the targets are known for the first time. @throws `signal.reason`, unwrapped. */
  ready(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return this.balancer.ready(options);
  }

  /** @throws RangeError when a target with that id is there. */
  add(target: HttpTargetOptions): void {
    this.balancer.add(target);
  }

  /** Lets its requests under way end, then closes its connections. @throws RangeError when unknown. */
  remove(id: string): void {
    this.balancer.remove(id);
  }

  /**
   * Sends nothing new to a target; resolves when its requests under way are over.
   * @throws RangeError when there is no such target; `signal.reason`, unwrapped.
   */
  drain(id: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return this.balancer.drain(id, options);
  }

  /** Ends a drain. @throws RangeError when there is no such target. */
  resume(id: string): void {
    this.balancer.resume(id);
  }

  /** What is known about every target now. O(targets). */
  stats(): LoadBalancerStats {
    return this.balancer.stats();
  }

  /** Takes no more requests; resolves when all are over and all connections closed. */
  override close(): Promise<void>;
  override close(callback: () => void): void;
  override close(callback?: () => void): Promise<void> | void {
    return finished(this.balancer.close(), callback);
  }

  /** Ends all requests with `error` and closes all connections. */
  override destroy(): Promise<void>;
  override destroy(error: Error | null): Promise<void>;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null, callback: () => void): void;
  override destroy(
    given?: Error | null | (() => void),
    callback?: () => void,
  ): Promise<void> | void {
    const error = given instanceof Error ? given : undefined;
    const done = typeof given === "function" ? given : callback;
    return finished(this.balancer.destroy(error), done);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A name that no resolver knows (RFC 6761); nobody asks one. */
const BASE = "http://load-balancer.invalid";

function listenerOf(lb: LoadBalancer): PoolListener {
  return {
    drained: (origin) => lb.emit("drain", origin),
    connected: (origin, pools) => lb.emit("connect", origin, [lb, ...pools]),
    disconnected: (origin, pools, error) => lb.emit("disconnect", origin, [lb, ...pools], error),
    connectFailed: (origin, pools, error) =>
      lb.emit("connectionError", origin, [lb, ...pools], error),
  };
}

function finished(
  promise: Promise<void>,
  callback: (() => void) | undefined,
): Promise<void> | undefined {
  if (callback === undefined) return promise;
  void promise.then(callback);
  return undefined;
}
