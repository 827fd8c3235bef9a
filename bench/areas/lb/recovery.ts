/**
 * An outage and its end (nodejs/undici#4839): both backends are killed under load, one is back after a
 * while and the other later. A balancer that has lost its trust in both must find the one that
 * answers, and then send nothing to the other.
 *
 * As in that issue, there is one connection to each backend. Which of the two it would stay with is
 * luck, so the outage is played twice, at the same time: with the one back first and with the other.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { HttpBackend } from "@headroom/harness";
import type { Better, FiguresVariant } from "../../src/area.ts";
import { type LoopRequest, openLoop } from "../../src/open-loop.ts";
import { Backends } from "./backends.ts";
import type { OpenClient } from "./clients.ts";

const REQUESTS_PER_SECOND = 100;
const ONE_CONNECTION = { connections: 1 };

/** Shares of the time. */
const BOTH_DIE = 1 / 6;
const ONE_RETURNS = 2 / 6;
const OTHER_RETURNS = 4 / 6;

type RecoveryFigure = "failed" | "failed-after-first-answer" | "first-answer";

export const RECOVERY_FIGURES: Readonly<Record<RecoveryFigure, { unit: string; better: Better }>> =
  {
    /** Of the requests since one backend is back. */
    failed: { unit: "%", better: "lower" },
    /** Of those since it has answered once: before that, a client cannot know that it is back. */
    "failed-after-first-answer": { unit: "%", better: "lower" },
    /** Since it is back; the worse of the two outages. */
    "first-answer": { unit: "ms", better: "lower" },
  };

export function afterOutage(open: OpenClient): FiguresVariant<RecoveryFigure> {
  return async (resources, { openLoopMs }) => {
    const outages = await Promise.all(
      [0, 1].map(async (returnsFirst) => {
        const backends = resources.use(await Backends.start(2));
        const client = open(backends.origins, resources, ONE_CONNECTION);
        return playOutage(backends, client, openLoopMs, returnsFirst);
      }),
    );
    const judged = outages.map(judgeRecovery);
    return {
      failed: failedPercent(judged.flatMap(({ sinceReturn }) => sinceReturn)),
      "failed-after-first-answer": failedPercent(judged.flatMap(({ sinceAnswer }) => sinceAnswer)),
      "first-answer": Math.max(...judged.map(({ firstAnswerMs }) => firstAnswerMs)),
    };
  };
}

interface Outage {
  readonly requests: readonly LoopRequest[];
  /** When one backend was back, in milliseconds since the loop began. */
  readonly returnedMs: number;
}

async function playOutage(
  backends: Backends,
  client: ReturnType<OpenClient>,
  durationMs: number,
  returnsFirst: number,
): Promise<Outage> {
  const startMs = performance.now();
  const until = (share: number): Promise<void> =>
    sleep(startMs + share * durationMs - performance.now());
  const startWhere = (isMeant: (node: HttpBackend, index: number) => boolean): Promise<unknown> =>
    Promise.all(backends.nodes.filter(isMeant).map((node) => backends.start(node)));
  const outage = async (): Promise<number> => {
    await until(BOTH_DIE);
    await Promise.all(backends.nodes.map((node) => backends.kill9(node)));
    await until(ONE_RETURNS);
    await startWhere((_, index) => index === returnsFirst);
    const returnedMs = performance.now() - startMs;
    await until(OTHER_RETURNS);
    await startWhere((_, index) => index !== returnsFirst);
    return returnedMs;
  };
  const load = { requestsPerSecond: REQUESTS_PER_SECOND, durationMs };
  const [requests, returnedMs] = await Promise.all([openLoop(client, load), outage()]);
  return { requests, returnedMs };
}

interface Recovery {
  readonly sinceReturn: readonly LoopRequest[];
  /** All since the return, of a client that never gets an answer. */
  readonly sinceAnswer: readonly LoopRequest[];
  readonly firstAnswerMs: number;
}

function judgeRecovery({ requests, returnedMs }: Outage): Recovery {
  const sinceReturn = requests.filter(({ meantMs }) => meantMs >= returnedMs);
  const answeredMs = sinceReturn
    .filter(({ hasFailed }) => !hasFailed)
    .map(({ meantMs, latencyMs }) => meantMs + latencyMs);
  const answerMs = Math.min(...answeredMs);
  if (answeredMs.length === 0) {
    const lastMs = sinceReturn.at(-1)?.meantMs ?? returnedMs;
    return { sinceReturn, sinceAnswer: sinceReturn, firstAnswerMs: lastMs - returnedMs };
  }
  return {
    sinceReturn,
    sinceAnswer: sinceReturn.filter(({ meantMs }) => meantMs >= answerMs),
    firstAnswerMs: answerMs - returnedMs,
  };
}

function failedPercent(requests: readonly LoopRequest[]): number {
  const failed = requests.filter(({ hasFailed }) => hasFailed).length;
  return requests.length === 0 ? 0 : (100 * failed) / requests.length;
}
