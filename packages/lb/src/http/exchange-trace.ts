/** What telemetry hears of requests and attempts. Without a subscriber nothing here is allocated. */

import { lbAttempt, lbRequest } from "@headroom/core/channels";
import type { Dispatcher } from "undici";
import type { Attempt } from "./attempt.ts";
import type { Exchange } from "./exchange.ts";
import type { ExchangeRules } from "./load-balancer-options.ts";
import type { RequestContext } from "./under-way.ts";

/** Is told of the end of a request. */
export interface ExchangeTrace {
  over(context: RequestContext, statusCode: number | undefined, error: Error | undefined): void;
}

/** Starts the request, and publishes it from here to its end as `headroom.lb.request`. */
export function traceExchange(
  { name }: Pick<ExchangeRules, "name">,
  exchange: Exchange,
  method: string,
): boolean {
  if (!lbRequest.hasSubscribers) return exchange.start();
  let isFree = true;
  const published = lbRequest.trace(
    () => ({ pool: name, method }),
    (context) =>
      new Promise<void>((resolve, reject) => {
        exchange.trace = {
          over({ target, attempts }, statusCode, error): void {
            if (context !== undefined) {
              context.attempts = attempts;
              if (target !== undefined) context.backend = target;
              if (statusCode) context.statusCode = statusCode;
            }
            if (error === undefined) resolve();
            else reject(error);
          },
        };
        isFree = exchange.start();
      }),
  );
  published.catch(toldElsewhere);
  return isFree;
}

/** Sends the attempt, and publishes it from here to its end as `headroom.lb.attempt`. */
export function traceAttempt(
  { name }: Pick<ExchangeRules, "name">,
  attempt: Attempt,
  number: number,
  hedge: boolean,
  options: Dispatcher.DispatchOptions,
): boolean {
  const { id, target } = attempt.lease;
  if (!lbAttempt.hasSubscribers) return target.dispatch(options, attempt);
  let isFree = true;
  const published = lbAttempt.trace(
    () => ({ pool: name, backend: id, attempt: number, hedge }),
    (context) =>
      new Promise<void>((resolve, reject) => {
        attempt.trace = {
          over(outcome, statusCode, error): void {
            if (context !== undefined) {
              context.outcome = outcome.type;
              if (statusCode !== 0) context.statusCode = statusCode;
            }
            if (error === undefined) resolve();
            else reject(error);
          },
        };
        isFree = target.dispatch(options, attempt);
      }),
  );
  published.catch(toldElsewhere);
  return isFree;
}

/** The caller's handler has got the error. */
function toldElsewhere(): void {}
