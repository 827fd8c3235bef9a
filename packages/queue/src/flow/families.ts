/** What `createQueues` has of flows: who belongs together, and who is to be told. */

import { type QueueEnqueue, queueEnqueue } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";
import type { ClaimedJob, QueueDriver, QueueSettings, Swept, Verdict } from "../driver.ts";
import type { Added, Producer } from "../producer.ts";
import { addFlow, sizeOf } from "./add-flow.ts";
import { EndReports } from "./end-reports.ts";
import {
  type ChildOptions,
  type FlowChild,
  type FlowNode,
  type FlowOptions,
  type FlowQueue,
  flowChild,
  flowNode,
} from "./flow-node.ts";
import { QueueDirectory } from "./queue-directory.ts";
import { reportEnd } from "./report-end.ts";
import { watchHeld } from "./watch-held.ts";

/** On what `createQueues` gives, for those that are linked to it. */
export const DIRECTORY: unique symbol = Symbol("headroom.queue.directory");

/** The queues of another server, as `createQueues` gives them. */
export interface LinkedQueues {
  readonly [DIRECTORY]: QueueDirectory;
}

export interface FamiliesParts {
  readonly name: string | undefined;
  readonly links: () => readonly LinkedQueues[];
  readonly driver: QueueDriver;
  readonly queues: ReadonlyMap<string, QueueSettings>;
  readonly clock: Clock;
  readonly random: Random;
}

const SERVER_NAME = /^[\w.-]{1,100}$/;

/** What a worker does for the families of its jobs. */
export interface FamilyDuties {
  readonly tellFirst: (
    job: ClaimedJob,
    verdict: Verdict,
    untilMs: number,
  ) => Promise<boolean> | undefined;
  readonly swept: (swept: Swept) => void;
  readonly stop: () => void;
}

/** Made with a name that is none, it throws a TypeError. */
export class Families {
  readonly directory: QueueDirectory;
  readonly #parts: FamiliesParts;

  constructor(parts: FamiliesParts) {
    const { name } = parts;
    if (name !== undefined && !(typeof name === "string" && SERVER_NAME.test(name))) {
      throw new TypeError("name must be 1 to 100 letters, digits, dots, dashes or underscores");
    }
    this.#parts = parts;
    this.directory = new QueueDirectory({
      name,
      driver: parts.driver,
      queues: parts.queues,
      links: () => parts.links().map((linked) => linked[DIRECTORY]),
    });
  }

  /** Of one definition. */
  member(name: string, queue: string, producer: Producer, newId: () => string): FamilyMember {
    const place = this.directory.place(queue);
    return new FamilyMember({
      name,
      place,
      newId,
      prepare: (data, options, parent) => producer.prepare(data, options, parent),
    });
  }

  /** Undefined where there are no flows: a driver without them has no job with a parent. */
  duties(queue: string): FamilyDuties | undefined {
    const { driver, clock, random } = this.#parts;
    if (!driver.capabilities.flows) return undefined;
    const place = this.directory.place(queue);
    const reports = new EndReports(place, clock, random);
    const stopWatching = watchHeld(place, clock, random);
    return {
      tellFirst: (job, verdict, untilMs) => reports.tell(job, verdict, untilMs),
      swept: (swept) => reports.swept(swept),
      stop() {
        stopWatching();
        reports.close();
      },
    };
  }
}

/** Where `capabilities.flows`. */
export interface FamilyOf<Input> {
  /** A job for `flow` of any queue. Nothing is added yet. @throws TypeError naming the option that is wrong. */
  child(data: Input, options?: ChildOptions): FlowChild;
  /**
   * Adds a job that runs when all its `children` have ended, with them and theirs; its handler has what
   * they gave in `context.children()`. Each child runs as soon as its own children have ended.
   * @throws QueueError `QUEUE_INVALID`, `QUEUE_VALUE`, `QUEUE_TOO_LARGE` before any is added;
   *   `QUEUE_FULL` (also where `onFull` is "wait"), `QUEUE_UNAVAILABLE`: those that were added are
   *   cancelled, as far as they can be.
   */
  flow(data: Input, options?: FlowOptions): Promise<Added>;
}

/** A queue as a place for members of families. */
export class FamilyMember {
  readonly #queue: FlowQueue;

  constructor(queue: FlowQueue) {
    this.#queue = queue;
  }

  child(data: unknown, options?: ChildOptions): FlowChild {
    return flowChild(flowNode(this.#queue, data, options));
  }

  add(data: unknown, options?: ChildOptions): Promise<Added> {
    const root = flowNode(this.#queue, data, options);
    return queueEnqueue.trace(
      () => this.#event(root),
      () => addFlow(root),
    );
  }

  /** Cancels a job and tells its parent, if it has one. False: there is none, or it has ended. */
  async cancel(id: string): Promise<boolean> {
    const { place } = this.#queue;
    const { driver, settings } = place;
    if (driver.admin === undefined) return false;
    const job = driver.flows && (await driver.admin.find(settings, id));
    const isCancelled = await driver.admin.cancel(settings, id);
    if (isCancelled && job?.parent !== undefined) {
      // What cannot be told now is found by `HeldParents`.
      await reportEnd(place, job, { kind: "dead", reason: "cancelled" }).catch(() => {});
    }
    return isCancelled;
  }

  #event(root: FlowNode): QueueEnqueue {
    const { name, place } = this.#queue;
    return {
      queue: place.settings.name,
      name,
      system: place.driver.name,
      jobs: sizeOf(root),
    };
  }
}
