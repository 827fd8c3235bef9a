import { area } from "../src/area.ts";
import * as app from "./session/applications.ts";
import { fastifySession } from "./session/fastify-application.ts";
import { farRedis, nearPostgres, nearRedis, requests } from "./session/load.ts";
import * as touched from "./session/postgres-touch.ts";
import { roundTrips } from "./session/round-trips.ts";
import * as scene from "./session/scenes.ts";

const IN_FLIGHT = 16;
const FAR_RTT_MS = 5;

/** Sessions of an application on Express: what becomes of them, and what they cost it. */
export default area("session", (bench) => {
  bench.figure("correct/parallel-writes", {
    unit: `of ${scene.WRITERS}`,
    better: "higher",
    ours: scene.parallelWrites(app.ours),
    peers: {
      "our store under express-session": scene.parallelWrites(app.oursUnderExpressSession),
      "express-session + connect-redis": scene.parallelWrites(app.connectRedis),
      "express-session + connect-pg-simple": scene.parallelWrites(app.connectPg, true),
      "@fastify/session + connect-redis": scene.parallelWrites(fastifySession),
      "Redis by hand": scene.parallelWrites(app.byHand),
    },
    floor: "Redis by hand",
  });
  bench.figure("correct/resurrected", {
    unit: `of ${scene.LOGOUTS}`,
    better: "lower",
    ours: scene.resurrected(app.ours),
    peers: {
      "our store under express-session": scene.resurrected(app.oursUnderExpressSession),
      "express-session + connect-redis": scene.resurrected(app.connectRedis),
      "express-session + connect-pg-simple": scene.resurrected(app.connectPg, true),
      "@fastify/session + connect-redis": scene.resurrected(fastifySession),
      "Redis by hand": scene.resurrected(app.byHand),
    },
    floor: "Redis by hand",
  });
  bench.figure("correct/redirect-login-lost", {
    unit: `of ${scene.LOGINS}`,
    better: "lower",
    ours: scene.redirectLoginLost(app.ours),
    peers: {
      "our store under express-session": scene.redirectLoginLost(app.oursUnderExpressSession),
      "express-session + connect-redis": scene.redirectLoginLost(app.connectRedis),
      "the same, with session.save()": scene.redirectLoginLost(app.connectRedisSaving),
      "@fastify/session + connect-redis": scene.redirectLoginLost(fastifySession),
      "Redis by hand": scene.redirectLoginLost(app.byHand),
    },
    floor: "Redis by hand",
  });

  const commands = { unit: "commands", better: "lower" } as const;
  bench.figures("round-trips", {
    figures: {
      anonymous: commands,
      unused: commands,
      read: commands,
      write: commands,
      set: commands,
    },
    ours: roundTrips(app.ours),
    peers: {
      "our store under express-session": roundTrips(app.oursUnderExpressSession),
      "express-session + connect-redis": roundTrips(app.connectRedis),
      "@fastify/session + connect-redis": roundTrips(fastifySession),
      "Redis by hand": roundTrips(app.byHand),
    },
    floor: "Redis by hand",
  });

  const onRedis = {
    ours: app.ours,
    peers: {
      "express-session + connect-redis": app.connectRedis,
      "our store under express-session": app.oursUnderExpressSession,
      "Redis by hand": app.byHand,
    },
    floor: "Redis by hand",
  } as const;
  for (const route of ["unused", "read", "write", "set"]) {
    bench.server(`latency/${route}/{figure}`, {
      ...onRedis,
      setup: farRedis(FAR_RTT_MS),
      load: requests(`/${route}`, 1),
    });
  }
  for (const route of ["unused", "read", "write", "set"]) {
    bench.server(`{figure}/${route}`, {
      ...onRedis,
      setup: nearRedis,
      load: requests(`/${route}`, IN_FLIGHT),
      concurrency: IN_FLIGHT,
    });
  }
  bench.server("{figure}/read/32KB", {
    ...onRedis,
    setup: nearRedis,
    load: requests("/read", IN_FLIGHT, true),
    concurrency: IN_FLIGHT,
  });

  for (const level of ["replica", "logical"] as const) {
    bench.figure(level === "replica" ? "postgres/touch" : "postgres/touch/wal_level=logical", {
      unit: "WAL bytes",
      better: "lower",
      ours: touched.touchedWal(touched.ours, level),
      peers: {
        "connect-pg-simple": touched.touchedWal(touched.connectPg, level),
        "a bare row": touched.touchedWal(touched.bareRow, level),
      },
      floor: "a bare row",
    });
  }
  bench.server("postgres/{figure}/read", {
    ours: app.oursOnPostgres,
    peers: { "express-session + connect-pg-simple": app.connectPg },
    floor: "express-session + connect-pg-simple",
    setup: nearPostgres,
    load: requests("/read", IN_FLIGHT),
    concurrency: IN_FLIGHT,
  });
});
