/**
 * The two kinds of channel on which Headroom tells what it does.
 *
 * An {@link EventChannel} tells that something happened: one message. An {@link OperationChannel}
 * accompanies something that takes time: one context object, published as the operation goes
 *
 *     start, end, asyncStart, asyncEnd              when it succeeds
 *     start, end, error, asyncStart, asyncEnd       when it fails; `context.error` is the reason
 *
 * also when it throws before there is a promise,
 * so the one place to finish a measurement is `asyncEnd`. Both are channels of
 * `node:diagnostics_channel` (an operation is a `TracingChannel`), so anybody can subscribe by name
 * without importing us, and a store bound to `start` holds during the operation.
 *
 * - With no subscriber nothing is built: the cost is a few property reads and the caller's closures.
 * - A subscriber cannot disturb an operation, nor end the process: see `subscriber-shield`.
 * - Unlike Node's own `tracePromise`, an operation's result is not put on its context: results are
 *   the application's data, and telemetry is no place for them.
 */

import {
  type Channel,
  channel as nodeChannel,
  tracingChannel as nodeTracingChannel,
  type TracingChannel,
} from "node:diagnostics_channel";
import { shieldSubscribers } from "./subscriber-shield.ts";

/** Ends a subscription. Calling it again does nothing. */
export type Unsubscribe = () => void;

/** A channel for events of one kind. */
export interface EventChannel<Event extends object> {
  /** The name by which `node:diagnostics_channel` knows it: `"headroom.queue.dead"`. */
  readonly name: string;
  readonly hasSubscribers: boolean;
  /** Publishes what `build` returns; without a subscriber, `build` is not called. */
  publish(build: () => Event): void;
  /** `handler` runs inside the publisher's call, so it should be short. */
  subscribe(handler: (event: Event) => void): Unsubscribe;
}

/** What subscribers of an operation get: the operation's own fields, and its failure. */
export type Traced<Context extends object> = Context & {
  /** Why the operation failed; present from the `error` message on. */
  error?: unknown;
};

/** Handlers for the stages of an operation; each gets the same context object. */
export interface OperationHandlers<Context extends object> {
  /** Before anything is done. */
  readonly start?: (context: Traced<Context>) => void;
  /** The operation has returned its promise. */
  readonly end?: (context: Traced<Context>) => void;
  /** The operation has failed. */
  readonly error?: (context: Traced<Context>) => void;
  /** The operation is over. */
  readonly asyncStart?: (context: Traced<Context>) => void;
  /** The operation is over, and its caller goes on next. */
  readonly asyncEnd?: (context: Traced<Context>) => void;
}

/** A channel for operations of one kind. */
export interface OperationChannel<Context extends object> {
  /** Node calls its stages `tracing:<name>:start` and so on. */
  readonly name: string;
  readonly hasSubscribers: boolean;
  /**
   * Runs `operation` and publishes its stages. `operation` may add to the context what is known only
   * later, which server was chosen for instance. Without a subscriber, `build` is not called, the
   * context is undefined, and the promise returned is the operation's own. What the operation
   * throws at once is a rejection, with subscribers and without.
   */
  trace<Result>(
    build: () => Context,
    operation: (context: Context | undefined) => Promise<Result>,
  ): Promise<Result>;
  /** The handlers run inside the operation, so they should be short. */
  subscribe(handlers: OperationHandlers<Context>): Unsubscribe;
}

/** The event channel of this name. Two calls with one name give two views of one channel. */
export function createEventChannel<Event extends object>(name: string): EventChannel<Event> {
  const channel = nodeChannel(name);
  shieldSubscribers(channel);
  return {
    name,
    get hasSubscribers() {
      return channel.hasSubscribers;
    },
    publish(build) {
      if (channel.hasSubscribers) channel.publish(build());
    },
    subscribe: (handler) => follow(channel, handler),
  };
}

const STAGES = ["start", "end", "error", "asyncStart", "asyncEnd"] as const;

/** The operation channel of this name. Two calls with one name give two views of one channel. */
export function createOperationChannel<Context extends object>(
  name: string,
): OperationChannel<Context> {
  const tracing = nodeTracingChannel<unknown, Traced<Context>>(name);
  for (const stage of STAGES) shieldSubscribers(tracing[stage]);
  return {
    name,
    get hasSubscribers() {
      return tracing.hasSubscribers;
    },
    trace(build, operation) {
      if (tracing.hasSubscribers) return traced(tracing, build(), operation);
      try {
        return operation(undefined);
      } catch (reason) {
        return Promise.reject(reason);
      }
    },
    subscribe(handlers) {
      const ends = STAGES.map((stage) => follow(tracing[stage], handlers[stage]));
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

function traced<Context extends object, Result>(
  { start, end, error, asyncStart, asyncEnd }: TracingChannel<unknown, Traced<Context>>,
  context: Traced<Context>,
  operation: (context: Context) => Promise<Result>,
): Promise<Result> {
  const fail = (reason: unknown): void => {
    context.error = reason;
    error.publish(context);
  };
  const finish = (): void => {
    asyncStart.publish(context);
    asyncEnd.publish(context);
  };
  return start.runStores(context, () => {
    const running = new Promise<Result>((resolve) => resolve(operation(context)));
    end.publish(context);
    return running.then(
      (result) => {
        finish();
        return result;
      },
      (reason) => {
        fail(reason);
        finish();
        throw reason;
      },
    );
  });
}

function follow<Message extends object>(
  channel: Pick<Channel, "subscribe" | "unsubscribe">,
  handler: ((message: Message) => void) | undefined,
): Unsubscribe {
  if (handler === undefined) return () => {};
  // A function of its own, so that the same handler may subscribe twice and leave once.
  const subscriber = (message: unknown): void => handler(message as Message);
  channel.subscribe(subscriber);
  return () => void channel.unsubscribe(subscriber);
}
