import type { Socket } from "node:net";

/**
 * One direction of one proxied connection, and what is wrong with it.
 *
 * Invariant: **the bytes of a live stream are never dropped or reordered**, whatever the fault. TCP
 * cannot lose a middle part, so a proxy that does tests a network that does not exist (and leaves a
 * pipelining client off by one reply for ever). A stall therefore stops reading and lets the
 * kernel's own back-pressure hold the sender; opening the link delivers what was held.
 *
 * The end of the stream (`end`) and its failure (`reset`) queue behind the bytes like one more
 * chunk: a stalled link also hides that the other side has died, as a real partition does.
 */
export type Direction = "up" | "down";

/** What is wrong with a link at the moment. One object for all its connections, changed in place. */
export interface LinkFaults {
  refuse: boolean;
  readonly stalled: Record<Direction, boolean>;
  latencyMs: number;
  jitterMs: number;
  bytesPerSecond: number;
}

/** Enough to keep a fast sender busy through added latency; beyond it the sender waits. */
const QUEUE_LIMIT_BYTES = 1024 * 1024;

interface QueuedChunk {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

export class FaultLane {
  readonly direction: Direction;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: LinkFaults;
  readonly #random: () => number;
  readonly #delivered: (bytes: number) => void;
  readonly #queue: QueuedChunk[] = [];
  #queuedBytes = 0;
  #lastDueMs = 0;
  #ending: "end" | "reset" | undefined;
  #bytesUntilReset = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #blocked = false;

  constructor(options: {
    direction: Direction;
    from: Socket;
    to: Socket;
    faults: LinkFaults;
    random: () => number;
    delivered: (bytes: number) => void;
  }) {
    this.direction = options.direction;
    this.#from = options.from;
    this.#to = options.to;
    this.#faults = options.faults;
    this.#random = options.random;
    this.#delivered = options.delivered;
    this.#from.on("data", (bytes) => this.#accept(bytes));
    this.#from.on("end", () => this.#finish("end"));
    this.#from.on("error", () => this.#finish("reset"));
    this.#to.on("drain", () => {
      this.#blocked = false;
      this.pump();
    });
    this.#to.on("close", () => this.#abandon());
  }

  /** Lets `bytes` more through, then resets both sides of the connection. */
  resetAfter(bytes: number): void {
    this.#bytesUntilReset = bytes;
  }

  /** Delivers whatever may be delivered now; called again whenever the faults change. */
  pump(): void {
    clearTimeout(this.#timer);
    if (this.#faults.stalled[this.direction]) {
      this.#from.pause();
      return;
    }
    const nowMs = performance.now();
    while (!this.#blocked) {
      const head = this.#queue[0];
      if (!head) break;
      if (head.dueMs > nowMs) {
        this.#timer = setTimeout(() => this.pump(), head.dueMs - nowMs);
        break;
      }
      this.#queue.shift();
      this.#queuedBytes -= head.bytes.length;
      this.#deliver(head.bytes);
    }
    if (this.#ending && this.#queue.length === 0) this.#deliverEnding(this.#ending);
    else if (this.#queuedBytes < QUEUE_LIMIT_BYTES) this.#from.resume();
  }

  #accept(bytes: Buffer): void {
    const { bytesPerSecond } = this.#faults;
    const step = Number.isFinite(bytesPerSecond)
      ? Math.max(1, Math.floor(bytesPerSecond / 50))
      : bytes.length;
    for (let start = 0; start < bytes.length; start += step) {
      this.#enqueue(bytes.subarray(start, start + step));
    }
    if (this.#queuedBytes >= QUEUE_LIMIT_BYTES) this.#from.pause();
    this.pump();
  }

  #enqueue(bytes: Buffer): void {
    const { latencyMs, jitterMs, bytesPerSecond } = this.#faults;
    const arrivalMs = performance.now() + latencyMs + jitterMs * this.#random();
    const sendingMs = (bytes.length / bytesPerSecond) * 1000;
    const dueMs = Math.max(arrivalMs, this.#lastDueMs) + sendingMs;
    this.#lastDueMs = dueMs;
    this.#queue.push({ bytes, dueMs });
    this.#queuedBytes += bytes.length;
  }

  #deliver(bytes: Buffer): void {
    if (this.#to.destroyed) return;
    const passing = bytes.subarray(0, this.#bytesUntilReset);
    this.#bytesUntilReset -= passing.length;
    this.#delivered(passing.length);
    if (this.#bytesUntilReset > 0) {
      this.#blocked = !this.#to.write(passing);
      return;
    }
    this.#to.write(passing, () => {
      this.#to.resetAndDestroy();
      this.#from.resetAndDestroy();
    });
    this.#blocked = true;
  }

  #finish(how: "end" | "reset"): void {
    if (this.#ending === "reset") return;
    this.#ending = how;
    // A reset overtakes the bytes before it, as in TCP; only a stall holds it back.
    if (how === "reset") this.#queue.length = 0;
    this.pump();
  }

  #deliverEnding(how: "end" | "reset"): void {
    if (this.#to.destroyed) return;
    if (how === "end") this.#to.end();
    else this.#to.resetAndDestroy();
  }

  #abandon(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#blocked = true;
    this.#from.resume();
  }
}
