/**
 * A reverse proxy as a middleware: what reaches it goes to one of the targets.
 *
 * The steps, in their order: refuse what is malformed, keep the headers that are for the end, say who
 * asked, send it through the load balancer's dispatcher (which chooses, retries and hedges), and
 * write the answer as it comes.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { lbRejected } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";
import { LbError } from "../errors.ts";
import { ProxiedAnswer } from "./proxied-answer.ts";
import {
  bodyBytes,
  forwardedHeaders,
  forwardedPath,
  refuseRequest,
  routingOf,
} from "./proxied-request.ts";
import type { ProxyRules } from "./proxy-options.ts";
import { BODY_TOO_LARGE, type Refusal, refusalError } from "./refusal.ts";
import type { RoutingDispatcher } from "./routing.ts";
import { BodyTooLarge, readShortBody, SHORT_BODY_BYTES, Upload } from "./upload.ts";

/** An Express or Connect middleware, and a listener of `node:http`. It answers every request. */
export type ProxyMiddleware = (request: IncomingMessage, response: ServerResponse) => void;

export function createProxy(
  dispatcher: RoutingDispatcher,
  rules: ProxyRules,
  clock: Clock,
): ProxyMiddleware {
  return (request, response) => {
    // Its client has gone while somebody before us took time; nobody would tell us any more.
    if (response.destroyed) return;
    const answer = new ProxiedAnswer(request, response, rules);
    const refusal = refuseRequest(request, rules);
    const refuse = (why: Refusal): void => {
      lbRejected.publish(() => ({ pool: rules.pool, reason: "bad-request", atMs: clock.now() }));
      response.shouldKeepAlive = false;
      answer.fail(refusalError(why, rules), why.statusCode);
    };
    if (refusal !== undefined) return refuse(refusal);
    if (request.url === "*") return answerForServer(response);
    const bytes = bodyBytes(request);
    if (bytes > 0 && wasReadBefore(request)) return answer.fail(bodyGone(rules.pool), 500);
    if (bytes > rules.maxBodyBytes && bytes !== Number.POSITIVE_INFINITY) {
      return refuse(BODY_TOO_LARGE);
    }
    const upload = bytes > SHORT_BODY_BYTES ? new Upload(request, rules.maxBodyBytes) : null;
    upload?.once("error", (error) => {
      if (error instanceof BodyTooLarge && !answer.isOver) refuse(BODY_TOO_LARGE);
    });
    const options = {
      method: request.method ?? "GET",
      path: forwardedPath(request, rules),
      headers: forwardedHeaders(request, rules),
      routing: routingOf(request, rules, dispatcher.targetIds),
      body: upload,
    };
    if (bytes === 0 || options.body !== null) {
      dispatcher.dispatch(options, answer);
      return;
    }
    readShortBody(request, (body) => {
      if (!answer.isOver) dispatcher.dispatch({ ...options, body }, answer);
    });
  };
}

/** `OPTIONS *` asks for nothing that a target has, but what the server as a whole can do. */
function answerForServer(response: ServerResponse): void {
  response.statusCode = 204;
  response.end();
}

/** A body parser in front of the proxy has taken the body, or made text of it: it cannot be sent. */
function wasReadBefore(request: IncomingMessage): boolean {
  return request.readableDidRead || request.destroyed || request.readableEncoding !== null;
}

function bodyGone(pool: string): LbError {
  const what = "the request's body was read before it came to the proxy";
  const message = `load balancer "${pool}": ${what}: mount the proxy before any body parser`;
  return new LbError("LB_REFUSED_REQUEST", message, { pool });
}
