import type { Socket } from "node:net";

/**
 * One direction of one proxied connection, and what is wrong with it.
 *
 * Invariant: **the bytes of a live stream are never dropped or reordered**, whatever the fault. TCP
 * cannot lose a middle part, so a proxy that does tests a network that does not exist (and leaves a
 * pipelining client off by one reply for ever). A stall therefore stops reading and lets the
 * kernel's own back-pressure hold the sender; opening the link delivers what was held.
 *
 * The end of the stream and its failure queue behind the bytes like one more chunk. A stalled link
 * thus also hides that the other side has died, as a real partition does.
 *
 * What waits is judged by the faults of the moment, not by those of its arrival: when the link
 * opens, nothing goes on being slow.
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

/** A limited link sends so many portions a second, so that its flow is even. */
const PORTIONS_PER_SECOND = 50;

/** Bytes, or how the stream ended. */
type Item = { readonly arrivedMs: number; readonly jitter: number } & (
  | { bytes: Buffer }
  | { readonly ending: "end" | "reset" }
);

export class FaultLane {
  readonly direction: Direction;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: LinkFaults;
  readonly #random: () => number;
  readonly #delivered: (bytes: number) => void;
  readonly #queue: Item[] = [];
  #queuedBytes = 0;
  #busyUntilMs = 0;
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
    this.#from.on("data", (bytes) => {
      this.#queuedBytes += bytes.length;
      this.#accept({ ...this.#stamp(), bytes });
    });
    this.#from.on("end", () => this.#accept({ ...this.#stamp(), ending: "end" }));
    this.#from.on("error", () => this.#accept({ ...this.#stamp(), ending: "reset" }));
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
    while (!this.#blocked) {
      const head = this.#queue[0];
      if (!head) break;
      const waitMs = this.#dueMs(head) - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), waitMs);
        break;
      }
      if ("bytes" in head) this.#send(head);
      else this.#end(head.ending);
    }
    if (this.#queuedBytes < QUEUE_LIMIT_BYTES) this.#from.resume();
    else this.#from.pause();
  }

  #stamp(): { arrivedMs: number; jitter: number } {
    return { arrivedMs: performance.now(), jitter: this.#random() };
  }

  #accept(item: Item): void {
    this.#queue.push(item);
    this.pump();
  }

  #dueMs({ arrivedMs, jitter }: Item): number {
    const { latencyMs, jitterMs, bytesPerSecond } = this.#faults;
    const busyUntilMs = Number.isFinite(bytesPerSecond) ? this.#busyUntilMs : 0;
    return Math.max(arrivedMs + latencyMs + jitterMs * jitter, busyUntilMs);
  }

  /** The next portion of the chunk at the head; what is left of it stays there. */
  #send(head: { bytes: Buffer }): void {
    const { bytesPerSecond } = this.#faults;
    const portion = Math.max(1, Math.floor(bytesPerSecond / PORTIONS_PER_SECOND));
    const bytes = head.bytes.subarray(0, portion);
    head.bytes = head.bytes.subarray(bytes.length);
    if (head.bytes.length === 0) this.#queue.shift();
    this.#queuedBytes -= bytes.length;
    this.#busyUntilMs = performance.now() + (bytes.length / bytesPerSecond) * 1000;
    this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    if (this.#to.destroyed) return;
    const passing = bytes.subarray(0, this.#bytesUntilReset);
    this.#bytesUntilReset -= passing.length;
    this.#delivered(passing.length);
    if (this.#bytesUntilReset > 0) {
      this.#blocked = !this.#to.write(passing);
      return;
    }
    this.#blocked = true;
    this.#to.write(passing, () => {
      this.#to.resetAndDestroy();
      this.#from.resetAndDestroy();
    });
  }

  #end(how: "end" | "reset"): void {
    this.#queue.shift();
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
