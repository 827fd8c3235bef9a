/** What a conformance case works with: processes of one cache, each with its view of the store. */

import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "@headroom/core/clock";
import type { BusMessage, BusProvider, CacheBus } from "../bus.ts";
import type { CacheStore, LeaseReply, StoreProvider } from "../store.ts";

/** What the tester brings. */
export interface ConformanceSetup {
  /** Each call of it is another process's view of the same servers. */
  readonly store: StoreProvider;
  readonly bus: BusProvider;
  /** @default the system's */
  readonly clock?: Clock | undefined;
  /**
   * Lets so much time pass for the store.
   * @default waits
   */
  readonly pass?: ((ms: number) => Promise<void>) | undefined;
  /** Empties the servers: `FLUSHALL`. Without it the isolated cases do nothing. */
  readonly forget?: (() => Promise<void>) | undefined;
}

export interface ConformanceCase {
  /** A sentence: what the store does. */
  readonly name: string;
  /** It empties the servers: run nothing else meanwhile. */
  readonly isolated: boolean;
  run(setup: ConformanceSetup): Promise<void>;
}

/** One process: its store, and what it was told. */
export interface Process {
  readonly store: CacheStore;
  readonly told: { readonly partition: number; readonly message: BusMessage }[];
  /** Resolves when `told` has at least so many messages. */
  heard(count: number): Promise<void>;
  /** Resolves when what was told is as the condition says, or when that takes too long. */
  hears(condition: () => boolean): Promise<void>;
}

/** The world of one case. */
export interface Bench {
  pass(ms: number): Promise<void>;
  forget(): Promise<void>;
  /** Two processes of one cache. */
  readonly ours: Process;
  readonly theirs: Process;
  /** A process of another cache on the same servers. */
  stranger(): Promise<Process>;
  /** A complete key that no other case uses. */
  key(text?: string): string;
  /** Asks for a lease of a minute. */
  lease(key: string, token: string, options?: LeaseOptions): Promise<LeaseReply>;
  /** Fills with a value that stays a minute. */
  fill(key: string, token: string, text: string): Promise<boolean>;
  /** Writes a value that stays a minute. */
  write(key: string, text: string): Promise<void>;
  /** The text of a value; undefined where nothing is. */
  text(key: string): Promise<string | undefined>;
}

export interface LeaseOptions {
  readonly leaseMs?: number;
  readonly refresh?: boolean;
}

/** Long against any test, short against what a server would keep by mistake. */
export const MINUTE_MS = 60_000;

/** A message that has not come by then was lost. */
const LATE_MS = 2_000;

export function conformanceCase(
  name: string,
  body: (bench: Bench) => Promise<void>,
  { isolated = false }: { isolated?: boolean } = {},
): ConformanceCase {
  const run = async (setup: ConformanceSetup): Promise<void> => {
    if (isolated && setup.forget === undefined) return;
    const closing: (() => Promise<void>)[] = [];
    try {
      await body(await createBench(setup, closing));
    } finally {
      await Promise.all(closing.map((close) => close()));
    }
  };
  return { name, isolated, run };
}

async function createBench(
  setup: ConformanceSetup,
  closing: (() => Promise<void>)[],
): Promise<Bench> {
  const cache = `conformance-${randomUUID()}`;
  const [ours, theirs] = await Promise.all([
    createProcess(setup, cache, closing),
    createProcess(setup, cache, closing),
  ]);
  const { store } = ours;
  const { pass = (ms) => systemClock.sleep(ms), forget = () => Promise.resolve() } = setup;
  return {
    pass,
    forget,
    ours,
    theirs,
    stranger: () => createProcess(setup, `${cache}-other`, closing),
    key: (text = randomUUID()) => `${cache}:${text}`,
    lease: (key, token, { leaseMs = MINUTE_MS, refresh = false } = {}) =>
      only(store.lease([{ key, token, leaseMs, refresh }])),
    fill: (key, token, text) =>
      only(store.fill([{ key, token, bytes: bytesOf(text), ttlMs: MINUTE_MS }])),
    write: (key, text) =>
      store.write([
        { key, bytes: bytesOf(text), ttlMs: MINUTE_MS, partition: store.partitionOf(key) },
      ]),
    text: async (key) => textOf((await only(store.read([key])))?.bytes),
  };
}

async function createProcess(
  { store: openStore, bus: openBus, clock = systemClock }: ConformanceSetup,
  cache: string,
  closing: (() => Promise<void>)[],
): Promise<Process> {
  const context = { cache, origin: randomUUID(), clock };
  const store = openStore(context);
  const bus = openBus(context);
  closing.push(async () => {
    await bus.close();
    await store.close();
  });
  const told: Process["told"] = [];
  let wake: () => void = () => {};
  await allSynced(bus, store.partitions, (partition, message) => {
    told.push({ partition, message });
    wake();
  });
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const heard = async (count: number): Promise<void> => {
    while (told.length < count) await next();
  };
  const hears = async (condition: () => boolean): Promise<void> => {
    let late = false;
    const timer = systemClock.timer(() => {
      late = true;
      wake();
    }, LATE_MS);
    while (!late && !condition()) await next();
    timer.cancel();
  };
  return { store, told, heard, hears };
}

function allSynced(
  bus: CacheBus,
  partitions: number,
  message: (partition: number, message: BusMessage) => void,
): Promise<void> {
  const missing = new Set(Array.from({ length: partitions }, (_, partition) => partition));
  return new Promise((resolve) => {
    bus.start({
      message,
      gap: () => {},
      synced: (partition) => {
        missing.delete(partition);
        if (missing.size === 0) resolve();
      },
    });
  });
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes);
}

/** The one answer to the one thing asked for. */
export async function only<Answer>(answers: Promise<readonly Answer[]>): Promise<Answer> {
  const list = await answers;
  if (list.length !== 1) throw new Error(`one answer was due, got ${list.length}`);
  return list[0] as Answer;
}
