/**
 * What a request may tell the load balancer beside what it tells the target.
 *
 * It travels on undici's own dispatch options, as `routing`, so that interceptors between the caller
 * and the load balancer pass it on untouched.
 */

import type { Key } from "@headroom/hashing";
import type { Dispatcher } from "undici";

export interface Routing {
  /** What keeps its target, for policies that hash. */
  readonly key?: Key | undefined;
  /** The id of a target to take if it is in rotation. */
  readonly prefer?: string | undefined;
  /** Called with the id of the target whose answer is passed on, before its headers are. */
  readonly onAnswer?: ((target: string) => void) | undefined;
}

/** `origin` is ignored: the targets are the load balancer's. */
export interface RoutingDispatchOptions extends Omit<Dispatcher.DispatchOptions, "method"> {
  readonly method: string;
  readonly routing?: Routing | undefined;
}

/** What a handler's `onConnect` gets as undici's `context`. */
export interface AnswerContext {
  /** The id of the target that answers, or was tried last; known when the headers come. */
  readonly target?: string | undefined;
}

/** What the proxy needs of a load balancer. */
export interface RoutingDispatcher {
  dispatch(options: RoutingDispatchOptions, handler: Dispatcher.DispatchHandler): boolean;
  /** The ids of all targets: the same array as long as none came or left. For sticky cookies. */
  readonly targetIds?: readonly string[];
}
