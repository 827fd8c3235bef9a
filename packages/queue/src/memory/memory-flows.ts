/**
 * What parents are told of their children.
 *
 * A child may end before its parent is there, so what is reported is kept under the parent's id for a
 * day; the parent takes it over when it comes.
 */

import type { Enqueued, NewJob, ParentRef, QueueSettings } from "../driver.ts";
import type { ChildOutcome, Flows } from "../driver-powers.ts";
import type { FamilyOfJob, MemoryJob } from "./memory-job.ts";
import type { MemoryQueue } from "./memory-queue.ts";

type Children = Awaited<ReturnType<Flows["children"]>>;

interface EarlyReports {
  readonly outcomes: Map<string, ChildOutcome>;
  readonly untilMs: number;
}

const DAY_MS = 86_400_000;

export class MemoryFlows {
  readonly #queue: MemoryQueue;
  readonly #early = new Map<string, EarlyReports>();

  constructor(queue: MemoryQueue) {
    this.#queue = queue;
  }

  hold(
    settings: QueueSettings,
    parent: NewJob,
    children: readonly ParentRef[],
    childDead: FamilyOfJob["childDead"],
  ): Enqueued {
    this.#forgetOld();
    const outcomes = new Map(this.#early.get(parent.id)?.outcomes);
    const held = this.#queue.hold(settings, parent, { children, outcomes, childDead });
    if (held.outcome !== "added") return held;
    this.#early.delete(parent.id);
    const job = this.#queue.states.find(parent.id);
    if (job?.family !== undefined) this.#look(settings, job, job.family);
    return held;
  }

  report(settings: QueueSettings, parentId: string, child: ParentRef, outcome: ChildOutcome): void {
    this.#forgetOld();
    const job = this.#queue.states.find(parentId);
    const outcomes = job === undefined ? this.#earlyOf(parentId) : job.family?.outcomes;
    const name = nameOf(child);
    if (outcomes === undefined || outcomes.has(name)) return;
    outcomes.set(name, outcome);
    if (job?.family !== undefined) this.#look(settings, job, job.family);
  }

  children(parentId: string): Children {
    const family = this.#queue.states.find(parentId)?.family;
    return (family?.children ?? []).map((child) => ({
      ...child,
      outcome: family?.outcomes.get(nameOf(child)),
    }));
  }

  /** Is the parent to be held any longer? */
  #look(settings: QueueSettings, job: MemoryJob, family: FamilyOfJob): void {
    if (job.state !== "held") return;
    const outcomes = family.children.map((child) => family.outcomes.get(nameOf(child)));
    if (family.childDead === "fail" && outcomes.some((outcome) => outcome?.kind === "dead")) {
      this.#queue.bury(settings, job, "child-dead");
    } else if (!outcomes.includes(undefined)) {
      this.#queue.letGo(settings, job);
      this.#queue.tellReady(settings);
    }
  }

  #earlyOf(parentId: string): Map<string, ChildOutcome> {
    const early = this.#early.get(parentId) ?? {
      outcomes: new Map(),
      untilMs: this.#queue.nowMs + DAY_MS,
    };
    this.#early.set(parentId, early);
    return early.outcomes;
  }

  /** They were put in by the order of their time. */
  #forgetOld(): void {
    for (const [parentId, { untilMs }] of this.#early) {
      if (untilMs > this.#queue.nowMs) return;
      this.#early.delete(parentId);
    }
  }
}

function nameOf({ queue, id }: ParentRef): string {
  return `${queue}:${id}`;
}
