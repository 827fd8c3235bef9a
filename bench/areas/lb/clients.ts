import { createLoadBalancer, type LoadBalancer } from "@headroom/lb";
import { BalancedPool, type Dispatcher, fetch, Pool, RetryAgent } from "undici";
import type { AsyncOperation } from "../../src/area.ts";

/** Sends `GET /` to one of the origins; an answer of 500 and above is a failure. */
export type OpenClient = (
  origins: readonly string[],
  resources: AsyncDisposableStack,
  options?: ClientOptions,
) => AsyncOperation;

export interface ClientOptions {
  /** How many connections to each origin. @default as many as there are requests in flight */
  readonly connections?: number;
}

/** Without it undici waits 300 s for an answer. The same for every client of the fault cases. */
export const HEADERS_TIMEOUT_MS = 2_000;

const TIMEOUTS = { headersTimeout: HEADERS_TIMEOUT_MS };

export const ours: OpenClient = (origins, ...rest) => {
  const lb = openOurs(origins, ...rest);
  return async () => settle(await lb.request({ method: "GET", path: "/" }));
};

export const fetchOverOurs: OpenClient = (origins, ...rest) => {
  const lb = openOurs(origins, ...rest);
  const [origin = ""] = origins;
  return () => fetchFrom(lb, origin);
};

/** One pool for each origin, taken in turn: what remains of a balancer when nothing is decided. */
export const poolsInTurn: OpenClient = (origins, ...rest) => {
  const next = openPoolsInTurn(origins, ...rest);
  return () => get(next());
};

export const balancedPool: OpenClient = (origins, ...rest) => {
  const pool = openBalancedPool(origins, ...rest);
  return () => get(pool);
};

/** The two that undici's users put together: its balancer, and its retries with their defaults. */
export const balancedPoolWithRetries: OpenClient = (origins, ...rest) => {
  const agent = new RetryAgent(openBalancedPool(origins, ...rest));
  const [origin = ""] = origins;
  return () => get(agent, origin);
};

export const fetchOverPoolsInTurn: OpenClient = (origins, ...rest) => {
  const next = openPoolsInTurn(origins, ...rest);
  const [origin = ""] = origins;
  return () => fetchFrom(next(), origin);
};

export const fetchOverBalancedPool: OpenClient = (origins, ...rest) => {
  const pool = openBalancedPool(origins, ...rest);
  const [origin = ""] = origins;
  return () => fetchFrom(pool, origin);
};

/** What every client does with an answer: reads it to its end. */
export async function settle({ statusCode, body }: Dispatcher.ResponseData): Promise<void> {
  await body.dump();
  if (statusCode >= 500) throw new Error(`status ${statusCode}`);
}

async function fetchFrom(dispatcher: Dispatcher, origin: string): Promise<void> {
  const response = await fetch(`${origin}/`, { dispatcher });
  await response.arrayBuffer();
  if (response.status >= 500) throw new Error(`status ${response.status}`);
}

async function get(dispatcher: Dispatcher, origin?: string): Promise<void> {
  const target = origin === undefined ? {} : { origin };
  await settle(await dispatcher.request({ ...target, method: "GET", path: "/" }));
}

function openOurs(
  origins: readonly string[],
  resources: AsyncDisposableStack,
  options: ClientOptions = {},
): LoadBalancer {
  const timeouts = { headersTimeoutMs: HEADERS_TIMEOUT_MS };
  return closing(createLoadBalancer({ targets: origins, ...timeouts, ...options }), resources);
}

function openPoolsInTurn(
  origins: readonly string[],
  resources: AsyncDisposableStack,
  options: ClientOptions = {},
): () => Pool {
  const [first, ...rest] = origins.map((origin) =>
    closing(new Pool(origin, { ...TIMEOUTS, ...options }), resources),
  );
  if (!first) throw new Error("there is no origin");
  const pools = [first, ...rest];
  let picks = -1;
  return () => {
    picks += 1;
    return pools[picks % pools.length] ?? first;
  };
}

function openBalancedPool(
  origins: readonly string[],
  resources: AsyncDisposableStack,
  options: ClientOptions = {},
): BalancedPool {
  return closing(new BalancedPool([...origins], { ...TIMEOUTS, ...options }), resources);
}

function closing<D extends Dispatcher>(dispatcher: D, resources: AsyncDisposableStack): D {
  resources.defer(() => dispatcher.destroy());
  return dispatcher;
}
