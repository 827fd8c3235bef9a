import { area } from "../src/area.ts";
import * as fault from "./queue/faults.ts";
import type { OpenQueue } from "./queue/libraries.ts";
import * as postgres from "./queue/postgres-libraries.ts";
import * as redis from "./queue/redis-libraries.ts";
import * as scene from "./queue/scenes.ts";
import { postgresServer, redisServer } from "./queue/servers.ts";

const ROUNDS = 5;
const MICROSECONDS = { unit: "µs", better: "lower" } as const;

/** Jobs of 100 bytes and a handler that does nothing, worker and producer in one process. */
export default area("queue", (bench) => {
  const onRedis = <Variant>(play: (open: OpenQueue) => Variant) => ({
    ours: play(redis.ours),
    peers: {
      BullMQ: play(redis.bullMq),
      "bee-queue": play(redis.beeQueue),
      "a bare list": play(redis.bareList),
    },
    floor: "a bare list" as const,
    setup: redisServer,
    rounds: ROUNDS,
  });
  const onPostgres = <Variant>(play: (open: OpenQueue) => Variant) => ({
    ours: play(postgres.ours),
    peers: {
      "graphile-worker": play(postgres.graphileWorker),
      "BullMQ on PostgreSQL": play(postgres.bullMq),
      "pg-boss": play(postgres.pgBoss),
      "a bare table": play(postgres.bareTable),
    },
    floor: "a bare table" as const,
    setup: postgresServer,
    rounds: ROUNDS,
  });
  const rate = scene.JOBS_PER_SECOND;
  const latency = { figures: { p50: MICROSECONDS, p99: MICROSECONDS } };

  for (const concurrency of [1, 100]) {
    const play = (open: OpenQueue) => scene.processing(open, concurrency);
    bench.figure(`redis/process/c${concurrency}`, { ...rate, ...onRedis(play) });
  }
  bench.figure("redis/add-bulk/1000", { ...rate, ...onRedis(scene.bulkAdds) });
  for (const lanes of [1, 100]) {
    const play = (open: OpenQueue) => scene.adds(open, lanes);
    bench.figure(`redis/add/x${lanes}`, { ...rate, ...onRedis(play) });
  }
  bench.figures("redis/latency/idle", { ...latency, ...onRedis(scene.idleLatency) });

  for (const concurrency of [1, 100]) {
    const play = (open: OpenQueue) => scene.processing(open, concurrency);
    bench.figure(`postgres/process/c${concurrency}`, { ...rate, ...onPostgres(play) });
  }
  bench.figure("postgres/add-bulk/1000", { ...rate, ...onPostgres(scene.bulkAdds) });
  for (const lanes of [1, 30]) {
    const play = (open: OpenQueue) => scene.adds(open, lanes);
    bench.figure(`postgres/add/x${lanes}`, { ...rate, ...onPostgres(play) });
  }
  bench.figures("postgres/latency/idle", { ...latency, ...onPostgres(scene.idleLatency) });

  bench.figures("fault/worker-kill", {
    figures: fault.KILL_FIGURES,
    ours: fault.workerKilled("ours", redis.ours),
    peers: { BullMQ: fault.workerKilled("BullMQ", redis.bullMq) },
    floor: "BullMQ",
  });
  bench.figures("fault/redis-restart", {
    figures: fault.RESTART_FIGURES,
    ours: fault.redisRestarted(redis.ours),
    peers: { BullMQ: fault.redisRestarted(redis.bullMq) },
    floor: "BullMQ",
    rounds: 3,
  });
});
