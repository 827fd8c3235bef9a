/** What the powers of the driver are made of. */

import type { EventKind } from "./notifier.ts";
import type { Row } from "./statements.ts";

export interface Power {
  /** Quoted. */
  readonly schema: string;
  readonly run: (queue: string, text: string, values: unknown[]) => Promise<readonly Row[]>;
  readonly tell: (kind: EventKind, queue: string, ids?: readonly string[]) => void;
}
