import { type Endpoint, startRedis } from "@headroom/harness";
import { Redis } from "ioredis";
import { type AsyncOperation, area } from "../src/area.ts";

/** What the fault proxy costs: why tests go through it and benchmarks do not. */
export default area("harness", (bench) => {
  for (const concurrency of [1, 64]) {
    bench.client(`proxied redis GET/in flight=${concurrency}`, {
      setup: async (resources) => {
        const { primary } = resources.use(await startRedis());
        return { via: primary.via, direct: primary.direct };
      },
      ours: ({ via }, resources) => getFrom(via, resources),
      peers: { direct: ({ direct }, resources) => getFrom(direct, resources) },
      floor: "direct",
      concurrency,
    });
  }
});

async function getFrom(server: Endpoint, resources: AsyncDisposableStack): Promise<AsyncOperation> {
  const redis = new Redis({ ...server, lazyConnect: true });
  resources.defer(() => redis.disconnect());
  await redis.connect();
  await redis.set("key", "x".repeat(100));
  return () => redis.get("key");
}
