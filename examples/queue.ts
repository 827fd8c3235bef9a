import { createQueues, defineQueue } from "@headroom/queue";
import { redisDriver } from "@headroom/queue/redis";
import { Redis } from "ioredis";
import { z } from "zod";

const photos = defineQueue({
  name: "photos",
  input: z.object({ user: z.string(), photo: z.string() }), // zod, valibot, arktype, or none
  output: z.string(), // what a handler returns is kept, and can be waited for
  key: ({ user }) => user, // the photos of a user one after the other, in their order
});

const redis = new Redis(process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379");
const queues = createQueues({ driver: redisDriver(redis), queues: { photos } });

// In the web server: Redis has the job when this resolves.
await queues.photos.add({ user: "ann", photo: "cat.jpg" });

// In a worker, here the same process. Each attempt has a signal, which aborts when it is for nothing.
queues.worker(
  {
    photos: async ({ data, attempt }, { signal }) => {
      if (attempt === 1 && data.photo === "cat.jpg") throw new Error("the disk is full");
      signal.throwIfAborted();
      console.log(`${data.photo} of ${data.user}, attempt ${attempt}`);
      return `small-${data.photo}`;
    },
  },
  { concurrency: 20 },
);

console.log(await queues.photos.addAndWait({ user: "ann", photo: "dog.jpg" }));

await queues.close(); // at SIGTERM: what runs may end, everything else goes to other workers
redis.disconnect();
