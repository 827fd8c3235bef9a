/**
 * Whether what was written is there, and what was ended is over.
 *
 * Requests that are to overlap are held at a gate when they have read their session, so what is seen
 * is what happens when they do, not how often.
 */

import { startPostgres, startRedis } from "@headroom/harness";
import type { FigureVariant } from "../../src/area.ts";
import type { OpenApplication, Servers } from "./applications.ts";
import { Browser } from "./browser.ts";
import { eachWayMs } from "./load.ts";
import type { Gate } from "./routes.ts";

export const WRITERS = 20;
export const LOGOUTS = 10;
export const LOGINS = 50;
/** There and back, between the application and Redis. */
const FAR_RTT_MS = 20;

/** Opens when so many are waiting, or when it is told to. */
class ManualGate implements Gate {
  #waiting: (() => void)[] = [];
  #arrived: (() => void) | undefined;
  #expected = Number.POSITIVE_INFINITY;

  pass(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length >= this.#expected) this.#arrived?.();
    });
  }

  /** Resolves when so many are waiting. */
  async arrived(count: number): Promise<void> {
    this.#expected = count;
    if (this.#waiting.length >= count) return;
    await new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
  }

  open(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

async function startServers(resources: AsyncDisposableStack, needsPostgres: boolean) {
  const redis = resources.use(await startRedis());
  const servers: Servers = { redis: redis.primary.direct };
  if (!needsPostgres) return { redis, servers };
  const { primary } = resources.use(await startPostgres());
  return { redis, servers: { ...servers, postgres: primary.url("postgres", primary.direct) } };
}

/** Of 20 requests at once that each write a field of their own, how many are written. */
export function parallelWrites(open: OpenApplication, needsPostgres = false): FigureVariant {
  return async (resources) => {
    const { servers } = await startServers(resources, needsPostgres);
    const gate = new ManualGate();
    const origin = await open(servers, resources, gate);
    const browser = new Browser();
    await browser.login(origin);
    const held = Array.from({ length: WRITERS }, (_, at) => browser.text(origin, `/hold/w${at}`));
    await Promise.race([gate.arrived(WRITERS), Promise.all(held)]);
    gate.open();
    await Promise.all(held);
    const names = (await browser.text(origin, "/names")).split(",");
    return names.filter((name) => /^w\d+$/.test(name)).length;
  };
}

/** Of 10 logouts during a request that then writes, how many are undone: the old cookie is a login again. */
export function resurrected(open: OpenApplication, needsPostgres = false): FigureVariant {
  return async (resources) => {
    const { servers } = await startServers(resources, needsPostgres);
    const gate = new ManualGate();
    const origin = await open(servers, resources, gate);
    let undone = 0;
    for (let run = 0; run < LOGOUTS; run += 1) {
      const browser = new Browser();
      await browser.login(origin);
      const { cookie } = browser;
      const held = browser.ask(origin, "/hold/late");
      await gate.arrived(1);
      await browser.text(origin, "/logout");
      gate.open();
      await (await held).text();
      browser.cookie = cookie;
      if ((await browser.text(origin, "/user")) === "ann") undone += 1;
    }
    return undone;
  };
}

/**
 * Of 50 logins that answer with a redirect, how many are not known where the browser is sent to: a
 * second process of the application, beside the store, while the first is 20 ms from it.
 */
export function redirectLoginLost(open: OpenApplication): FigureVariant {
  return async (resources) => {
    const { redis, servers } = await startServers(resources, false);
    redis.primary.link.latency(eachWayMs(FAR_RTT_MS));
    const far = await open({ redis: redis.primary.via }, resources);
    const near = await open(servers, resources);
    let lost = 0;
    for (let run = 0; run < LOGINS; run += 1) {
      const browser = new Browser();
      const redirect = await browser.ask(far, "/redirect/ann");
      if (redirect.status !== 303) throw new Error(`a redirect answered ${redirect.status}`);
      if ((await browser.text(near, "/user")) !== "ann") lost += 1;
      await redirect.text();
    }
    return lost;
  };
}
