import { requireCount, requireNonNegative, requireRatio } from "@headroom/core/options";

/**
 * How an HTTP backend treats a request. `{}` is a healthy one: status 200 and a JSON body that says
 * who answered (see {@link WhoAnswered}). It crosses a process boundary, so it is plain JSON.
 */
export type HttpBehaviour = HttpReply & (Whole | Hang | Reset | SlowBody);

/** What every behaviour may say about the reply, as far as it gets. */
interface HttpReply {
  /** @default 200 */
  readonly status?: number;
  /** On top of `content-type` and `content-length`, which may be overridden. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Passes before anything else happens. @default 0 */
  readonly delayMs?: number;
  /**
   * Which share of the requests is treated like this, 0 to 1; the others are answered healthily.
   * Counted, not drawn: of any `n` requests in a row it is `n · share`, exactly where that is a whole
   * number. They are evenly spread (a share of 0.5 is every other request); the seed of the fleet
   * decides where the pattern begins. @default 1
   */
  readonly share?: number;
}

/** A complete reply. */
interface Whole {
  /** @default the JSON of {@link WhoAnswered} */
  readonly body?: string;
  readonly hang?: never;
  readonly reset?: never;
  readonly slowBody?: never;
}

/** Where a reply breaks off: nothing sent yet, or its headers and half of its body. */
export type Moment = "before-headers" | "in-body";

/** Goes so far and then says no more, with its connection open. */
interface Hang {
  readonly hang: Moment;
  readonly body?: string;
  readonly reset?: never;
  readonly slowBody?: never;
}

/** Goes so far and then resets the connection (RST). */
interface Reset {
  readonly reset: Moment;
  readonly body?: string;
  readonly hang?: never;
  readonly slowBody?: never;
}

/** A body of `chunks` times `chunkBytes`, one every `everyMs`, the first at once. */
export interface SlowBody {
  readonly slowBody: {
    readonly chunkBytes: number;
    readonly everyMs: number;
    readonly chunks: number;
  };
  readonly body?: never;
  readonly hang?: never;
  readonly reset?: never;
}

/** The body of a healthy reply: `{"backend":"http1","pid":4711,"method":"GET","path":"/a?b=c"}`. */
export interface WhoAnswered {
  readonly backend: string;
  readonly pid: number;
  readonly method: string;
  readonly path: string;
}

/** One behaviour for all requests, or one a request in their order, of which the last stays. */
export type HttpScript = HttpBehaviour | readonly HttpBehaviour[];

/**
 * The script as a list.
 * @throws TypeError | RangeError naming the wrong field.
 */
export function requireScript(script: HttpScript): readonly HttpBehaviour[] {
  const behaviours = Array.isArray(script) ? (script as readonly HttpBehaviour[]) : [script];
  requireCount("behaviours", behaviours.length);
  for (const behaviour of behaviours as readonly HttpBehaviour[]) {
    const { status = 200, delayMs = 0, share = 1, slowBody } = behaviour;
    requireCount("status", status, { min: 200 });
    if (status > 599) throw new RangeError(`status must be at most 599, got ${status}`);
    requireNonNegative("delayMs", delayMs);
    requireRatio("share", share);
    if (!slowBody) continue;
    requireCount("slowBody.chunkBytes", slowBody.chunkBytes);
    requireCount("slowBody.chunks", slowBody.chunks);
    requireNonNegative("slowBody.everyMs", slowBody.everyMs);
  }
  return behaviours as readonly HttpBehaviour[];
}
