/** A family that is to be added: a job, and those it waits for. */

import { requireKnownOptions, requireOneOf } from "@headroom/core/options";
import type { JobHeaders, NewJob, ParentRef } from "../driver.ts";
import type { AnyAddOptions } from "../producer.ts";
import type { QueuePlace } from "./queue-directory.ts";

/** What a flow needs of a queue. */
export interface FlowQueue {
  /** The definition's. */
  readonly name: string;
  readonly place: QueuePlace;
  newId(): string;
  /** @throws QueueError when the data do not fit. */
  prepare(
    data: unknown,
    options: AnyAddOptions,
    parent: ParentRef | undefined,
  ): NewJob | Promise<NewJob>;
}

const NODE: unique symbol = Symbol("headroom.queue.flow");

/** A job of a flow that is not added yet: what `queues.crop.child(…)` gives. */
export interface FlowChild {
  readonly [NODE]: FlowNode;
}

export interface FlowOptions {
  /**
   * A name of your own. Those of its descendants that have none are named after it (`id.0`, `id.1.3`),
   * so that a flow that is added twice is there once.
   */
  readonly id?: string | undefined;
  readonly priority?: number | undefined;
  readonly headers?: JobHeaders | undefined;
  /** Of any queues: `[queues.crop.child(data), …]`. */
  readonly children?: readonly FlowChild[] | undefined;
  /**
   * What a parent does when a child is given up or cancelled: dies with it, or runs all the same when
   * the others have ended.
   * @default "fail"
   */
  readonly childDead?: "fail" | "continue" | undefined;
}

export interface ChildOptions extends FlowOptions {
  /** Of a job without children: it is ready no earlier. */
  readonly delayMs?: number | undefined;
}

export interface FlowNode {
  readonly queue: FlowQueue;
  readonly data: unknown;
  readonly options: AnyAddOptions;
  readonly children: readonly FlowNode[];
  readonly childDead: "fail" | "continue";
}

const KNOWN = ["id", "delayMs", "priority", "headers", "children", "childDead"];

/** @throws TypeError or RangeError naming the option that is wrong. */
export function flowNode(queue: FlowQueue, data: unknown, options: ChildOptions = {}): FlowNode {
  requireKnownOptions("flow", options, KNOWN);
  const { children: given = [], childDead = "fail", ...adding } = options;
  if (!Array.isArray(given)) throw new TypeError("children must be a list");
  const children = (given as readonly FlowChild[]).map((child) => {
    const node = child?.[NODE];
    if (node === undefined) throw new TypeError("children must be made by child() of a queue");
    return node;
  });
  if (children.length > 0 && adding.delayMs !== undefined) {
    throw new TypeError(
      "delayMs is for a job without children: others start when theirs have ended",
    );
  }
  requireOneOf("childDead", childDead, ["fail", "continue"]);
  return { queue, data, options: adding, children, childDead };
}

export function flowChild(node: FlowNode): FlowChild {
  return { [NODE]: node };
}
