/**
 * The application of `routes.ts` on each library, set up as the library's documentation has it for
 * production: behind a proxy that ends TLS, with a secure cookie, anonymous visitors not stored.
 */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Endpoint } from "@headroom/harness";
import { createSessions, type SessionStore } from "@headroom/session";
import { toExpressSessionStore } from "@headroom/session/express-session";
import { postgresStore } from "@headroom/session/postgres";
import { redisStore } from "@headroom/session/redis";
import connectPgSimple from "connect-pg-simple";
import { RedisStore } from "connect-redis";
import express, { type Express, type Request } from "express";
import session, { type Store } from "express-session";
import { Redis } from "ioredis";
import pg from "pg";
import { createClient } from "redis";
import { addRoutes, type Gate, type SessionUse } from "./routes.ts";

export interface Servers {
  readonly redis: Endpoint;
  /** A connection string. */
  readonly postgres?: string;
}

/** Serves the application at the origin that it returns. */
export type OpenApplication = (
  servers: Servers,
  resources: AsyncDisposableStack,
  gate?: Gate,
) => Promise<string>;

export const SECRET = "a secret of the bench, of 32 characters";
const DAY_MS = 86_400_000;

export const ours: OpenApplication = (servers, resources, gate) =>
  serveOurs(redisStore(connect(servers, resources)), resources, gate);

export const oursOnPostgres: OpenApplication = async (servers, resources, gate) => {
  const store = postgresStore(openPool(servers, resources));
  await store.migrate();
  return serveOurs(store, resources, gate);
};

export const oursUnderExpressSession: OpenApplication = (servers, resources, gate) => {
  const store = toExpressSessionStore(redisStore(connect(servers, resources)), session.Store);
  return serveExpressSession(store as unknown as Store, EXPRESS_SESSION, resources, gate);
};

export const connectRedis: OpenApplication = async (servers, resources, gate) => {
  const store = await connectRedisStore(servers, resources);
  return serveExpressSession(store, EXPRESS_SESSION, resources, gate);
};

/** With what express-session's documentation does at a login: it is saved before the redirect. */
export const connectRedisSaving: OpenApplication = async (servers, resources, gate) => {
  const store = await connectRedisStore(servers, resources);
  const save = (request: Request): Promise<void> => told((done) => request.session.save(done));
  return serveExpressSession(store, { ...EXPRESS_SESSION, save }, resources, gate);
};

export const connectPg: OpenApplication = async (servers, resources, gate) => {
  const store = connectPgStore(openPool(servers, resources), resources);
  const use = { ...EXPRESS_SESSION, maxAge: 30 * DAY_MS };
  return serveExpressSession(store, use, resources, gate);
};

/** The floor: no signature, no expiry but at the login, nothing held, nothing guarded. */
export const byHand: OpenApplication = (servers, resources, gate) => {
  const redis = connect(servers, resources);
  const keyOf = (request: Request): string =>
    `hand:${/(?:^|; )sid=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1]}`;
  const use: SessionUse = {
    async read(request, field) {
      const fields = await redis.hgetall(keyOf(request));
      return fields[field] === undefined ? undefined : JSON.parse(fields[field]);
    },
    write: (request, field, value) => redis.hset(keyOf(request), field, JSON.stringify(value)),
    names: (request) => redis.hkeys(keyOf(request)),
    async login(request, user) {
      const id = randomBytes(32).toString("base64url");
      request.headers.cookie = `sid=${id}`;
      await redis.hset(keyOf(request), "user", JSON.stringify(user));
      await redis.pexpire(keyOf(request), DAY_MS);
      request.res?.cookie("sid", id);
    },
    logout: async (request) => void (await redis.del(keyOf(request))),
  };
  return serve(() => {}, use, resources, gate);
};

export function openPool({ postgres }: Servers, resources: AsyncDisposableStack): pg.Pool {
  if (postgres === undefined) throw new Error("there is no PostgreSQL in this case");
  const pool = new pg.Pool({ connectionString: postgres });
  resources.defer(() => pool.end());
  return pool;
}

export function connectPgStore(pool: pg.Pool, resources: AsyncDisposableStack): Store {
  const PgStore = connectPgSimple(session);
  const store = new PgStore({ pool, createTableIfMissing: true });
  resources.defer(() => store.close());
  return store;
}

function connect({ redis: { host, port } }: Servers, resources: AsyncDisposableStack): Redis {
  const redis = new Redis(port, host);
  resources.defer(() => redis.disconnect());
  return redis;
}

export async function connectRedisStore(
  { redis: { host, port } }: Servers,
  resources: AsyncDisposableStack,
): Promise<RedisStore> {
  const client = createClient({ socket: { host, port } });
  client.on("error", () => {});
  await client.connect();
  resources.defer(() => client.destroy());
  return new RedisStore({ client });
}

interface Ours {
  user: string;
  count: number;
  [field: string]: unknown;
}

function serveOurs(
  store: SessionStore,
  resources: AsyncDisposableStack,
  gate: Gate | undefined,
): Promise<string> {
  const sessions = createSessions<Ours>({ store, secrets: [SECRET] });
  resources.defer(() => sessions.close());
  const use: SessionUse = {
    read: (request, field) => sessions.of(request).get(field),
    write: (request, field, value) => sessions.of(request).set(field, value),
    names: async (request) => (await sessions.of(request).load()).names(),
    async login(request, user) {
      await sessions.of(request).login(user);
      sessions.of(request).set("user", user);
    },
    logout: (request) => sessions.of(request).logout(),
  };
  return serve((app) => app.use(sessions.express()), use, resources, gate);
}

interface ExpressSessionUse extends SessionUse {
  readonly maxAge?: number;
}

const EXPRESS_SESSION: ExpressSessionUse = {
  read: (request, field) => Reflect.get(request.session, field),
  write: (request, field, value) => Reflect.set(request.session, field, value),
  names: (request) => Object.keys(request.session).filter((name) => name !== "cookie"),
  async login(request, user) {
    await told((done) => request.session.regenerate(done));
    Reflect.set(request.session, "user", user);
    await told((done) => request.session.save(done));
  },
  logout: (request) => told((done) => request.session.destroy(done)),
};

function serveExpressSession(
  store: Store,
  use: ExpressSessionUse,
  resources: AsyncDisposableStack,
  gate: Gate | undefined,
): Promise<string> {
  const { maxAge } = use;
  const cookie = { secure: true, ...(maxAge === undefined ? {} : { maxAge }) };
  const options = { store, secret: SECRET, resave: false, saveUninitialized: false, cookie };
  return serve((app) => app.use(session(options)), use, resources, gate);
}

async function serve(
  setUp: (app: Express) => void,
  use: SessionUse,
  resources: AsyncDisposableStack,
  gate: Gate | undefined,
): Promise<string> {
  const app = express();
  app.set("trust proxy", 1);
  setUp(app);
  addRoutes(app, use, gate);
  const server = createServer(app);
  resources.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function told(call: (done: (error?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error ? reject(error) : resolve()));
  });
}
