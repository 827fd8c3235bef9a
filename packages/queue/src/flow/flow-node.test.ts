import { expect, test } from "vitest";
import { memoryDriver } from "../memory/memory-driver.ts";
import { type ChildOptions, type FlowQueue, flowChild, flowNode } from "./flow-node.ts";
import { QueueDirectory } from "./queue-directory.ts";

const directory = new QueueDirectory({
  name: undefined,
  driver: memoryDriver(),
  queues: new Map(),
  links: () => [],
});
const queue: FlowQueue = {
  name: "photos",
  place: directory.place("photos"),
  newId: () => "1",
  prepare: () => Promise.reject(new Error("not asked")),
};

test("a family is a tree of what was given", () => {
  const leaf = flowNode(queue, 1, { delayMs: 5, priority: 2 });
  expect(leaf).toMatchObject({ data: 1, options: { delayMs: 5, priority: 2 }, children: [] });
  const root = flowNode(queue, 2, { children: [flowChild(leaf)], childDead: "continue" });
  expect(root).toMatchObject({ data: 2, children: [leaf], childDead: "continue" });
});

test.each<[object, RegExp]>([
  [{ children: [{}] }, /children must be made by child\(\)/],
  [{ children: 5 }, /children must be a list/],
  [{ childDead: "die" }, /childDead must be one of fail, continue/],
  [{ childs: [] }, /unknown option "childs"/],
  [{ delayMs: 5, children: [flowChild(flowNode(queue, 1))] }, /delayMs is for a job without/],
])("%o is refused", (options, message) => {
  expect(() => flowNode(queue, 1, options as ChildOptions)).toThrow(message);
});
