import { createQueues, defineQueue, type QueueDriver } from "@headroom/queue";
import { type OpenedQueue, type Payload, payload, payloads } from "./libraries.ts";

/** Our queue with its defaults, on whichever driver. */
export function oursOn(driver: QueueDriver, resources: AsyncDisposableStack): OpenedQueue {
  const jobs = defineQueue<Payload>({ name: "jobs" });
  const queues = createQueues({ driver, queues: { jobs } });
  resources.defer(() => queues.close());
  return {
    add: (index) => queues.jobs.add(payload(index)),
    addBulk: (from, count) => queues.jobs.addMany(payloads(from, count)),
    work: (concurrency, onJob) => {
      const worker = queues.worker(
        { jobs: async ({ data }) => onJob(data.index) },
        { concurrency },
      );
      return () => worker.stop();
    },
    left: async () => {
      const { ready, delayed, active } = await queues.jobs.stats();
      return ready + delayed + active;
    },
  };
}
