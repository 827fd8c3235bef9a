import { seededRandom } from "@headroom/core/random";
import { createManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { defineQueue } from "../definition.ts";
import { UnrecoverableError } from "../job.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { createQueues } from "../queues.ts";
import { sizeOf } from "./add-flow.ts";
import { type ChildOptions, type FlowChild, flowChild, flowNode } from "./flow-node.ts";
import { QueueDirectory } from "./queue-directory.ts";

interface Tree {
  readonly fails: boolean;
  readonly childDead: "fail" | "continue";
  readonly children: readonly Tree[];
}

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    fails: fc.integer({ min: 0, max: 5 }).map((chance) => chance === 0),
    childDead: fc.constantFrom("fail", "continue"),
    children: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constant([]),
      fc.array(tie("tree"), { maxLength: 4 }),
    ),
  }),
}));

/** Whether a job ends well; and each that runs at all is noted, after its children. */
function expected(node: Tree, path: string, runs: string[]): boolean {
  const ends = node.children.map((child, at) => expected(child, `${path}.${at}`, runs));
  if (node.childDead === "fail" && ends.includes(false)) return false;
  runs.push(path);
  return !node.fails;
}

test("whatever the family, and however often its server fails: each runs once, and after its children", async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.integer(), fc.boolean(), async (family, seed, isFaulty) => {
      const clock = createManualClock();
      const random = seededRandom(seed);
      const server = memoryDriver({ clock, random });
      const { flows } = server;
      if (flows === undefined) throw new Error("the memory driver has all");
      const faulty = {
        ...server,
        name: "memory",
        capabilities: server.capabilities,
        admin: server.admin,
        flows: {
          ...flows,
          // So that children end before their parents are there, and after.
          hold: async (...given: Parameters<typeof flows.hold>) => {
            await clock.sleep(Math.floor(random() * 20));
            return flows.hold(...given);
          },
          report: async (...given: Parameters<typeof flows.report>) => {
            if (isFaulty && random() < 0.2) throw new Error("away");
            await flows.report(...given);
            if (isFaulty && random() < 0.2) throw new Error("done, but who knows");
          },
        },
      };
      const queues = createQueues({
        driver: faulty,
        queues: {
          jobs: defineQueue<{ path: string; fails: boolean }>({
            name: "jobs",
            retry: { attempts: 1 },
          }),
        },
        clock,
        random,
      });
      const ran: string[] = [];
      const worker = queues.worker(
        {
          jobs: async ({ data }) => {
            ran.push(data.path);
            await clock.sleep(Math.floor(random() * 20));
            if (data.fails) throw new UnrecoverableError("no");
          },
        },
        { concurrency: 3 },
      );
      const optionsOf = (node: Tree, path: string): ChildOptions => ({
        childDead: node.childDead,
        children: node.children.map((child, at) => grow(child, `${path}.${at}`)),
      });
      const grow = (node: Tree, path: string): FlowChild =>
        queues.jobs.child({ path, fails: node.fails }, optionsOf(node, path));
      const adding = queues.jobs.flow({ path: "0", fails: family.fails }, optionsOf(family, "0"));
      // Without a fault nothing has to be found by looking for it, which is done after 15 s at the earliest.
      await clock.advance(isFaulty ? 300_000 : 10_000);
      await adding;
      const runs: string[] = [];
      expected(family, "0", runs);
      expect([...ran].sort()).toEqual(runs.sort());
      for (const path of ran) {
        const above = path.slice(0, path.lastIndexOf("."));
        if (ran.includes(above)) expect(ran.indexOf(above)).toBeGreaterThan(ran.indexOf(path));
      }
      expect(await queues.jobs.stats()).toMatchObject({ held: 0, ready: 0, active: 0 });
      const stopping = worker.stop();
      await clock.advance(60_000);
      await stopping;
      await queues.close();
    }),
    { numRuns: 60 },
  );
});

test("a family has as many jobs as it has members", () => {
  const directory = new QueueDirectory({
    name: undefined,
    driver: memoryDriver(),
    queues: new Map(),
    links: () => [],
  });
  const queue = {
    name: "jobs",
    place: directory.place("jobs"),
    newId: () => "1",
    prepare: () => Promise.reject(new Error("not asked")),
  };
  const leaf = flowChild(flowNode(queue, 1));
  const branch = flowChild(flowNode(queue, 1, { children: [leaf, leaf] }));
  expect(sizeOf(flowNode(queue, 1, { children: [branch, leaf] }))).toBe(5);
});

test("a name that leaves no room for those of its descendants is refused", async () => {
  const queues = createQueues({
    driver: memoryDriver(),
    queues: { jobs: defineQueue<number>({ name: "jobs" }) },
  });
  const children = [queues.jobs.child(1)];
  await expect(queues.jobs.flow(1, { id: "x".repeat(199), children })).rejects.toThrow(/too long/);
  expect(await queues.jobs.stats()).toMatchObject({ ready: 0, held: 0 });
  await queues.close();
});
