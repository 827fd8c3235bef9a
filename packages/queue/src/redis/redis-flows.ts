/** Parents that wait for their children, and what has become of these. */

import type { Enqueued, NewJob, ParentRef, QueueSettings } from "../driver.ts";
import type { ChildOutcome, Flows } from "../driver-powers.ts";
import type { RedisCalls } from "./redis-calls.ts";
import { enqueued, type RedisEnqueue, wholeMs } from "./redis-enqueue.ts";
import * as scripts from "./redis-power-scripts.ts";
import type { RedisQueues } from "./redis-queue-rules.ts";

export class RedisFlows implements Flows {
  readonly #calls: RedisCalls;
  readonly #queues: RedisQueues;
  readonly #enqueue: RedisEnqueue;

  constructor(calls: RedisCalls, queues: RedisQueues, enqueue: RedisEnqueue) {
    this.#calls = calls;
    this.#queues = queues;
    this.#enqueue = enqueue;
  }

  async hold(
    settings: QueueSettings,
    parent: NewJob,
    children: readonly ParentRef[],
    { childDead }: { readonly childDead: "fail" | "continue" },
  ): Promise<Enqueued> {
    const { keys, rules, maxBacklog } = this.#queues.of(settings);
    const list = JSON.stringify(children.map(({ queue, id }) => [queue, id]));
    const args = [
      ...[rules, maxBacklog, childDead === "fail" ? 1 : 0, list],
      ...this.#enqueue.argumentsOf(parent, wholeMs(parent.delayMs)),
      ...children.map(nameOf),
    ];
    const reply = await this.#calls.run(settings.name, scripts.HOLD, keys.base, args);
    return enqueued(reply, parent.id);
  }

  async report(
    settings: QueueSettings,
    parentId: string,
    child: ParentRef,
    outcome: ChildOutcome,
  ): Promise<void> {
    const { keys, rules } = this.#queues.of(settings);
    const args = [rules, parentId, nameOf(child), outcomeText(outcome)];
    await this.#calls.run(settings.name, scripts.REPORT, keys.base, args);
  }

  async children(settings: QueueSettings, parentId: string): ReturnType<Flows["children"]> {
    const { keys, rules } = this.#queues.of(settings);
    const args = [rules, parentId];
    const reply = await this.#calls.run(settings.name, scripts.CHILDREN, keys.base, args);
    const [list, fields] = reply as [Buffer | null, Buffer[]];
    const texts = fields.map(String);
    const outcomes = new Map<string, string>();
    for (let at = 0; at < texts.length; at += 2) {
      outcomes.set(texts[at] ?? "", texts[at + 1] ?? "");
    }
    const children = JSON.parse(list?.toString() ?? "[]") as [string, string][];
    return children.map(([queue, id]) => {
      const outcome = outcomes.get(`=${nameOf({ queue, id })}`);
      return { queue, id, outcome: outcome === undefined ? undefined : readOutcome(outcome) };
    });
  }
}

function nameOf({ queue, id }: ParentRef): string {
  return `${queue} ${id}`;
}

/** `x` and the reason; `d`, and the result behind another `=`. */
function outcomeText(outcome: ChildOutcome): string {
  if (outcome.kind === "dead") return `x${outcome.reason}`;
  return outcome.result === undefined ? "d" : `d=${outcome.result}`;
}

function readOutcome(text: string): ChildOutcome {
  if (text.startsWith("x")) {
    return {
      kind: "dead",
      reason: text.slice(1) as Extract<ChildOutcome, { kind: "dead" }>["reason"],
    };
  }
  return { kind: "done", result: text.startsWith("d=") ? text.slice(2) : undefined };
}
