/**
 * The load of the queues as JSON, for KEDA's `metrics-api` scaler and for whoever else asks.
 *
 *     triggers:
 *       - type: metrics-api
 *         metadata:
 *           url: "http://producer:3000/queues"
 *           valueLocation: "queues.photos.desired"     # or "desired" for all of them together
 *           targetValue: "1"
 *
 * With a `targetValue` of 1 there are as many replicas as workers are desired; Kubernetes has its own
 * bounds and damping, so the number here has none. An answer costs a question to the server, so the
 * endpoint belongs inside of the cluster. Job data, keys and ids are not in it.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { isHeadroomError } from "@headroom/core/errors";
import { type KedaOptions, kedaRules, type ReportedQueues } from "./keda-options.ts";
import { LoadReporter } from "./load-report.ts";

/** For `app.get("/queues", …)` of Express as for `http.createServer(…)`. */
export type KedaHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Answers with a `LoadReport`: `{ "desired": 3, "queues": { "photos": { "depth": 120, "desired": 3, … } } }`.
 * 405 to what is neither GET nor HEAD; 503 with the error's code when a server does not answer: KEDA
 * then keeps what it has, or goes by its fallback.
 *
 * @param queues by the names that they are to have in the answer: what `createQueues` gives, or some of it.
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function kedaHandler(queues: ReportedQueues, options: KedaOptions): KedaHandler {
  const reporter = new LoadReporter(kedaRules(queues, options));
  return async (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      return answer(response, 405, { error: "METHOD_NOT_ALLOWED" });
    }
    try {
      answer(response, 200, await reporter.report());
    } catch (error) {
      answer(response, 503, { error: isHeadroomError(error) ? error.code : "QUEUE_UNAVAILABLE" });
    }
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.statusCode = status;
  response.setHeader("Content-Type", "application/json; charset=utf-8");
  response.setHeader("Content-Length", Buffer.byteLength(text));
  response.setHeader("Cache-Control", "no-store");
  response.end(text); // Node leaves the body of an answer to HEAD out
}
