import { startPostgres, startRedis } from "@headroom/harness";
import { Pool } from "undici";
import type { AsyncOperation } from "../../src/area.ts";
import type { Servers } from "./applications.ts";
import { Browser } from "./browser.ts";

/** Requests of one logged-in user for `path`, over as many connections as there are in flight. */
export function requests(path: string, connections: number, isLarge = false) {
  return async (origin: string, resources: AsyncDisposableStack): Promise<AsyncOperation> => {
    const browser = new Browser();
    await browser.login(origin);
    if (isLarge) await browser.text(origin, "/fill");
    const pool = new Pool(origin, { connections });
    resources.defer(() => pool.destroy());
    const headers = { cookie: browser.cookie, "x-forwarded-proto": "https" };
    return async () => {
      const { statusCode, body } = await pool.request({ method: "GET", path, headers });
      await body.dump();
      if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}`);
    };
  };
}

export async function nearRedis(resources: AsyncDisposableStack): Promise<Servers> {
  const { primary } = resources.use(await startRedis());
  return { redis: primary.direct };
}

/** The latency of a link for a round trip of `rttMs`, as it is measured: its timers are late, each way. */
export function eachWayMs(rttMs: number): number {
  return rttMs / 2 - 0.5;
}

/** @param rttMs there and back. */
export function farRedis(rttMs: number) {
  return async (resources: AsyncDisposableStack): Promise<Servers> => {
    const { primary } = resources.use(await startRedis());
    primary.link.latency(eachWayMs(rttMs));
    return { redis: primary.via };
  };
}

export async function nearPostgres(resources: AsyncDisposableStack): Promise<Servers> {
  const { primary } = resources.use(await startPostgres());
  const { redis } = await nearRedis(resources);
  return { redis, postgres: primary.url("postgres", primary.direct) };
}
