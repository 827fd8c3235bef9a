/**
 * Whose turn it is.
 *
 * A job without a key takes its turn when it gets ready. Jobs with a key stand in the line of their
 * key, and it is the *line* that takes a turn, a new one behind all others for each job that it lets
 * go: ten thousand jobs of one user hold up another user's first job by one. A line has no turn while
 * as many of its jobs are in flight as its limit allows, or until its first job, or its rate, is due.
 *
 * Turns go by priority, a line's being that of its first job; within one by number.
 */

import type { QueueLimits } from "../driver.ts";
import type { MemoryJob } from "./memory-job.ts";
import { PriorityHeap } from "./priority-heap.ts";

/** Jobs of one key that wait, in the order in which they were added. */
interface KeyLine {
  readonly key: string;
  readonly waiting: MemoryJob[];
  inFlight: number;
  /** Before that no job starts: the key's rate. */
  nextStartMs: number;
  /** Its turn, or the time it waits for: whichever was set last counts. */
  place: Turn | DueLine | undefined;
}

interface Turn {
  readonly priority: number;
  readonly number: number;
  readonly job: MemoryJob;
  readonly line: KeyLine | undefined;
}

interface DueLine {
  readonly dueMs: number;
  readonly line: KeyLine;
}

export class Turns {
  readonly #lines = new Map<string, KeyLine>();
  readonly #turnOfJob = new Map<MemoryJob, Turn>();
  readonly #turns: PriorityHeap<Turn>;
  readonly #dueLines: PriorityHeap<DueLine>;
  /** A retried job at the head of its line became ready. */
  readonly #becameReady: (job: MemoryJob) => void;
  #number = 0;

  constructor(becameReady: (job: MemoryJob) => void) {
    this.#becameReady = becameReady;
    this.#turns = new PriorityHeap<Turn>(
      (one, other) =>
        one.priority > other.priority ||
        (one.priority === other.priority && one.number < other.number),
      (turn) =>
        turn.line === undefined
          ? this.#turnOfJob.get(turn.job) === turn
          : turn.line.place === turn && turn.line.waiting[0] === turn.job,
    );
    this.#dueLines = new PriorityHeap<DueLine>(
      (one, other) => one.dueMs < other.dueMs,
      (due) => due.line.place === due,
    );
  }

  /** The job waits from now on: it is ready, or is first in its line and will be. */
  add(job: MemoryJob, limits: QueueLimits, nowMs: number): void {
    const { key } = job.added;
    if (key === undefined) {
      const turn = this.#turn(job, undefined);
      this.#turnOfJob.set(job, turn);
      this.#turns.push(turn);
      return;
    }
    const line = this.#line(key);
    const behind = line.waiting.findLastIndex(({ order }) => order < job.order);
    line.waiting.splice(behind + 1, 0, job);
    this.#place(line, limits, nowMs);
  }

  /** The job waits no more, whoever's turn it is: it was cancelled. */
  remove(job: MemoryJob, limits: QueueLimits, nowMs: number): void {
    this.#turnOfJob.delete(job);
    const line = job.added.key === undefined ? undefined : this.#lines.get(job.added.key);
    const at = line?.waiting.indexOf(job) ?? -1;
    if (line === undefined || at < 0) return;
    line.waiting.splice(at, 1);
    this.#place(line, limits, nowMs);
  }

  /** Takes the job whose turn it is; it is in flight until `landed`. */
  take(limits: QueueLimits, nowMs: number): MemoryJob | undefined {
    this.wake(limits, nowMs);
    const turn = this.#turns.pop();
    if (turn === undefined) return undefined;
    const { job, line } = turn;
    if (line === undefined) {
      this.#turnOfJob.delete(job);
      return job;
    }
    line.waiting.shift();
    line.inFlight++;
    const { perKeyRate } = limits;
    if (perKeyRate !== undefined) line.nextStartMs = nowMs + perKeyRate.perMs / perKeyRate.jobs;
    this.#place(line, limits, nowMs, "anew");
    return job;
  }

  /** The job is in flight no more: it has ended, or waits again (`add` follows). */
  landed(job: MemoryJob, limits: QueueLimits, nowMs: number): void {
    const line = job.added.key === undefined ? undefined : this.#lines.get(job.added.key);
    if (line === undefined) return;
    line.inFlight--;
    this.#place(line, limits, nowMs);
  }

  /** Is it anybody's turn? */
  some(limits: QueueLimits, nowMs: number): boolean {
    this.wake(limits, nowMs);
    return this.#turns.peek() !== undefined;
  }

  /** When the next line is due that waits for its time. */
  nextDueMs(): number | undefined {
    return this.#dueLines.peek()?.dueMs;
  }

  /** Lines that waited for their time and are due have a turn. */
  wake(limits: QueueLimits, nowMs: number): void {
    for (;;) {
      const due = this.#dueLines.peek();
      if (due === undefined || due.dueMs > nowMs) return;
      this.#dueLines.pop();
      due.line.place = undefined;
      this.#place(due.line, limits, nowMs);
    }
  }

  /** @param turn whether a turn that the line has is kept, or is over. */
  #place(line: KeyLine, limits: QueueLimits, nowMs: number, turn: "kept" | "anew" = "kept"): void {
    const { place: before } = line;
    line.place = undefined;
    const [first] = line.waiting;
    if (first === undefined) {
      if (line.inFlight === 0 && line.nextStartMs <= nowMs) this.#lines.delete(line.key);
      else if (line.inFlight === 0) this.#wait(line, line.nextStartMs);
      return;
    }
    if (first.dueMs <= nowMs) this.#becameReady(first);
    if (line.inFlight >= limits.perKeyConcurrency) return;
    const dueMs = Math.max(first.dueMs, line.nextStartMs);
    if (dueMs > nowMs) {
      this.#wait(line, dueMs);
      return;
    }
    const kept = turn === "kept" && before !== undefined && "number" in before ? before : undefined;
    line.place = this.#turn(first, line, kept?.number);
    this.#turns.push(line.place);
  }

  #wait(line: KeyLine, dueMs: number): void {
    line.place = { dueMs, line };
    this.#dueLines.push(line.place);
  }

  #turn(job: MemoryJob, line: KeyLine | undefined, number: number = this.#number++): Turn {
    return { priority: job.added.priority, number, job, line };
  }

  #line(key: string): KeyLine {
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = { key, waiting: [], inFlight: 0, nextStartMs: 0, place: undefined };
      this.#lines.set(key, line);
    }
    return line;
  }
}
