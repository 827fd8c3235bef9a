/**
 * What PostgreSQL writes to its log when the use of a session is noted: bytes of WAL a touch, of a
 * table of sessions that were all touched since the last checkpoint.
 *
 * A session's touches are a second apart or more, as far as the tables can tell: connect-pg-simple
 * keeps whole seconds, and a touch that changes nothing costs no index.
 */

import { startPostgres } from "@headroom/harness";
import { postgresStore } from "@headroom/session/postgres";
import type { Store } from "express-session";
import type pg from "pg";
import type { FigureVariant } from "../../src/area.ts";
import { connectPgStore, openPool } from "./applications.ts";
import { CART } from "./routes.ts";

const SESSIONS = 2_000;
const TOUCHES = 10_000;
const AT_ONCE = 8;
const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

export interface Touched {
  create(id: string): Promise<unknown>;
  /** It ends in so many milliseconds from now on. */
  touch(id: string, ttlMs: number): Promise<unknown>;
}

export type OpenTouched = (pool: pg.Pool, resources: AsyncDisposableStack) => Promise<Touched>;

/** @param walLevel "replica" is PostgreSQL's default; "logical" logs whole rows. */
export function touchedWal(open: OpenTouched, walLevel: "replica" | "logical"): FigureVariant {
  return async (resources) => {
    const settings = { wal_level: walLevel, autovacuum: "off" };
    const { primary } = resources.use(await startPostgres({ settings }));
    const postgres = primary.url("postgres", primary.direct);
    const pool = openPool({ redis: primary.direct, postgres }, resources);
    const { create, touch } = await open(pool, resources);
    const ids = Array.from({ length: SESSIONS }, (_, at) => `${at}`.padStart(43, "s"));
    await each(SESSIONS, (at) => create(idAt(ids, at)));
    await pool.query("CHECKPOINT");
    const touchAt = (at: number) => touch(idAt(ids, at), DAY_MS + at * SECOND_MS);
    // The first change of a page after a checkpoint logs the page as a whole.
    await each(SESSIONS, touchAt);
    const before = await position(pool);
    await each(TOUCHES, (at) => touchAt(SESSIONS + at));
    return ((await position(pool)) - before) / TOUCHES;
  };
}

export const ours: OpenTouched = async (pool) => {
  const store = postgresStore(pool);
  await store.migrate();
  const fields = new Map(
    Object.entries(session()).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  const meta = { createdAtMs: Date.now(), userId: "ann", authenticatedAtMs: Date.now() };
  return {
    create: (id) => store.create(id, { fields, meta, seenAtMs: Date.now(), ttlMs: DAY_MS }),
    touch: (id, ttlMs) => store.touch(id, { seenAtMs: Date.now(), ttlMs }),
  };
};

export const connectPg: OpenTouched = async (pool, resources) => {
  const store = connectPgStore(pool, resources);
  return {
    create: (id) => called((done) => store.set(id, sessionData(DAY_MS), done)),
    touch: (id, ttlMs) => called((done) => store.touch?.(id, sessionData(ttlMs), () => done())),
  };
};

/** The least that keeps when a session ends. */
export const bareRow: OpenTouched = async (pool) => {
  await pool.query(`CREATE TABLE bare (id text PRIMARY KEY, data jsonb, expires_at timestamptz)
    WITH (fillfactor = 70)`);
  const until = (ttlMs: number) => new Date(Date.now() + ttlMs);
  return {
    create: (id) =>
      pool.query("INSERT INTO bare VALUES ($1, $2, $3)", [
        id,
        JSON.stringify(session()),
        until(DAY_MS),
      ]),
    touch: (id, ttlMs) =>
      pool.query("UPDATE bare SET expires_at = $2 WHERE id = $1", [id, until(ttlMs)]),
  };
};

function session(): Record<string, unknown> {
  return { user: "ann", cart: CART, count: 1 };
}

/** As express-session gives it to its store: the cookie says when it ends. */
function sessionData(ttlMs: number): Parameters<Store["set"]>[1] {
  const expires = new Date(Date.now() + ttlMs);
  const cookie = { originalMaxAge: ttlMs, expires, secure: true, httpOnly: true, path: "/" };
  return { ...session(), cookie } as unknown as Parameters<Store["set"]>[1];
}

function idAt(ids: readonly string[], at: number): string {
  const id = ids[at % ids.length];
  if (id === undefined) throw new Error("there is no session");
  return id;
}

async function each(count: number, work: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const at = next;
      next += 1;
      await work(at);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

async function position(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query("SELECT pg_current_wal_insert_lsn() - '0/0' AS bytes");
  return Number(rows[0].bytes);
}

function called(call: (done: (error?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error ? reject(error) : resolve()));
  });
}
