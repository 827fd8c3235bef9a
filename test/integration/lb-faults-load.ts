/**
 * A load on a load balancer, of which every request is accounted for at both ends: what the client was
 * told, and what the servers wrote down when it arrived (the log of the harness's backends; it
 * outlives a SIGKILL). Only both together show a POST that was done twice, or answered by nobody.
 */

import {
  checkTotalQueue,
  createRecorder,
  type HttpBackend,
  type Operation,
  type Recorder,
  testSeed,
} from "@headroom/harness";
import { createLoadBalancer, type LoadBalancer, type LoadBalancerOptions } from "@headroom/lb";
import { expect, onTestFinished, vi } from "vitest";

/** What a load came to. Requests that are neither answered nor failed do not exist. */
export interface Account {
  readonly sent: number;
  readonly answered: number;
  /** GETs without their answer. */
  readonly failedGets: number;
  /** POSTs whose client was told that they failed, or perhaps did. */
  readonly failedPosts: number;
  /** POSTs that were answered and that no server has seen. */
  readonly lostPosts: number;
  /** POSTs that servers have seen more than once. */
  readonly doubledPosts: number;
  /** What the servers have seen, retries included. */
  readonly arrived: number;
  /** How many answers each server gave. */
  readonly byServer: ReadonlyMap<string, number>;
  /** Why requests failed, and how often. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly p99Ms: number | undefined;
}

export interface LoadOptions {
  /** Which share of the requests are POSTs: counted, not drawn. @default 0 */
  readonly posts?: number;
  /** Requests under way at a time. @default 8 */
  readonly workers?: number;
  /** A worker rests for so long after each request, in milliseconds. @default 4 */
  readonly restMs?: number;
}

type Requests = Pick<LoadBalancer, "request">;

let loads = 0;

export class Load {
  readonly log: Recorder = createRecorder({ seed: testSeed().value });
  readonly #lb: Requests;
  readonly #servers: readonly Pick<HttpBackend, "logs">[];
  readonly #options: Required<LoadOptions>;
  /** No two loads of a process have a request in common: servers keep their logs. */
  readonly #prefix = `${process.pid}-${++loads}`;
  #workers: Promise<unknown> = Promise.resolve();
  #requests = 0;
  #limit = 0;
  #answered = 0;
  #failed = 0;

  constructor(
    lb: Requests,
    servers: readonly Pick<HttpBackend, "logs">[],
    options: LoadOptions = {},
  ) {
    this.#lb = lb;
    this.#servers = servers;
    this.#options = { posts: 0, workers: 8, restMs: 4, ...options };
  }

  /** So many requests, to their ends. */
  async run(requests: number): Promise<void> {
    this.start(requests);
    await this.#workers;
  }

  /** Requests until {@link end}, or so many. */
  start(requests: number = Number.POSITIVE_INFINITY): void {
    this.#limit = this.#requests + requests;
    const { workers } = this.#options;
    this.#workers = Promise.all(Array.from({ length: workers }, () => this.#work()));
  }

  /** Resolves when so many more requests were answered. */
  async answered(more: number): Promise<void> {
    const enough = this.#answered + more;
    await vi.waitFor(() => expect(this.#answered).toBeGreaterThanOrEqual(enough), {
      timeout: 30_000,
      interval: 5,
    });
  }

  /** Resolves when a request has failed. */
  async hasFailed(): Promise<void> {
    await vi.waitFor(() => expect(this.#failed).toBeGreaterThan(0), {
      timeout: 30_000,
      interval: 5,
    });
  }

  /** No more requests; resolves when the last is over and the servers were asked what they have seen. */
  async end(): Promise<Account> {
    this.#limit = 0;
    await this.#workers;
    const arrived = await this.#journal();
    const history = this.log.history();
    const { valid, lost, duplicated } = checkTotalQueue([
      ...history.map((operation) => ({ ...operation, kind: KINDS[operation.kind] ?? "" })),
      drained(arrived.filter((id) => id.startsWith("POST"))),
    ]);
    if (!valid && lost.length === 0) throw new Error("a server has seen a POST that nobody sent");
    const { p99Ms, reasons, acked } = this.log.summary();
    return {
      sent: history.length,
      answered: acked,
      failedGets: failuresOf(history, "GET"),
      failedPosts: failuresOf(history, "POST"),
      lostPosts: lost.length,
      doubledPosts: new Set(duplicated).size,
      arrived: arrived.length,
      byServer: countBy(history),
      reasons,
      p99Ms,
    };
  }

  async #work(): Promise<void> {
    while (this.#requests < this.#limit) {
      this.#requests += 1;
      const method = this.#isPost(this.#requests) ? "POST" : "GET";
      const id = `${method}-${this.#prefix}-${this.#requests}`;
      const { outcome } = await this.log.run({ kind: method, value: id }, () =>
        this.#request(method, id),
      );
      if (outcome === "ok") this.#answered += 1;
      else this.#failed += 1;
      await new Promise((resolve) => setTimeout(resolve, this.#options.restMs));
    }
  }

  #isPost(request: number): boolean {
    const { posts } = this.#options;
    return Math.floor(request * posts) > Math.floor((request - 1) * posts);
  }

  /** Who answered. Anything but the whole answer to this very request is a failure. */
  async #request(method: "GET" | "POST", id: string): Promise<string> {
    const { statusCode, body } = await this.#lb.request({
      method,
      path: `/${id}`,
      headers: { "x-journal": id },
      body: method === "POST" ? id : null,
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    const { backend, path } = JSON.parse(text) as { backend: string; path: string };
    if (path !== `/${id}`) throw new Error("the answer to another request");
    return backend;
  }

  async #journal(): Promise<string[]> {
    const logs = await Promise.all(this.#servers.map((server) => server.logs()));
    const entries = logs.flatMap((log) => log.match(/(?<=^journal: ).+$/gm) ?? []);
    return entries.filter((id) => id.includes(`-${this.#prefix}-`));
  }
}

/** For the checker: what was put in. Its other kinds are no concern of this load. */
const KINDS: Readonly<Record<string, string>> = { POST: "enqueue" };

function drained(result: readonly string[]): Operation {
  const event = { startMs: 0, endMs: 0, startIndex: 0, endIndex: 0 };
  return { kind: "drain", outcome: "ok", result, ...event };
}

function failuresOf(history: readonly Operation[], kind: string): number {
  return history.filter((each) => each.kind === kind && each.outcome !== "ok").length;
}

function countBy(history: readonly Operation[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const operation of history) {
    if (operation.outcome !== "ok") continue;
    const server = String(operation.result);
    counts.set(server, (counts.get(server) ?? 0) + 1);
  }
  return counts;
}

/** Over the servers themselves, not their fault proxies. When the test ends, every lease is back. */
export function balanced(
  nodes: readonly Pick<HttpBackend, "name" | "direct">[],
  options: Partial<LoadBalancerOptions> = {},
): LoadBalancer {
  const targets = nodes.map(({ name: id, direct: { host, port } }) => ({
    id,
    url: `http://${host}:${port}`,
  }));
  const lb = createLoadBalancer({ targets, random: testSeed().random, ...options });
  onTestFinished(async () => {
    try {
      await vi.waitFor(() => expect(lb.stats().inFlight).toBe(0), { timeout: 5_000 });
    } finally {
      await lb.destroy();
    }
  });
  return lb;
}

/** One line for people: what happened to whom, and with which seed. */
export function report(row: string, account: Account, more: Record<string, number> = {}): void {
  const { byServer: _, reasons, p99Ms, ...counts } = account;
  const figures = { ...counts, p99Ms: Math.round(p99Ms ?? 0), ...more };
  const text = Object.entries(figures).map(([name, value]) => `${name} ${Math.round(value)}`);
  console.log(
    `${row}: ${text.join(", ")}; seed ${testSeed().value}`,
    Object.keys(reasons).length > 0 ? reasons : "",
  );
}

/** No GET without its answer, no POST lost or done twice. */
export function expectNothingLost(account: Account): void {
  expect(account).toMatchObject({ failedGets: 0, lostPosts: 0, doubledPosts: 0 });
  expect(account.answered + account.failedPosts).toBe(account.sent);
}
