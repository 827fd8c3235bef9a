/**
 * Compare and set: changes one field by its value, whoever else changes it at the same time.
 *
 * The change is written with the condition that the field still has the text that was read. If not,
 * the session is read again and the change made again, after a wait that is random, so that those
 * who met do not meet again.
 */

import { type Backoff, fullJitterBackoff } from "@headroom/core/backoff";
import type { Clock } from "@headroom/core/clock";
import { systemRandom } from "@headroom/core/random";
import { SessionError } from "./errors.ts";
import type { FieldChanges } from "./field-changes.ts";
import { fieldText } from "./field-text.ts";
import type { Change, CommitResult } from "./store.ts";

export interface UpdateSteps {
  readonly commit: (change: Change) => Promise<CommitResult>;
  /** Reads the session again. @throws SessionError `SESSION_GONE` */
  readonly reload: () => Promise<void>;
  readonly clock: Clock;
}

const MOST_ATTEMPTS = 50;
const AGAIN: Backoff = fullJitterBackoff({ baseMs: 1, maxMs: 100 });

/** @throws SessionError `SESSION_CONFLICT`, `SESSION_GONE`, `SESSION_VALUE`; what `change` throws. */
export async function updateField(
  fields: FieldChanges,
  name: string,
  change: (value: unknown) => unknown,
  { commit, reload, clock }: UpdateSteps,
): Promise<unknown> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const expect = new Map([[name, fields.storedText(name)]]);
    const value = change(fields.get(name));
    const set = new Map(value === undefined ? [] : [[name, fieldText(name, value)]]);
    const del = value === undefined ? [name] : [];
    const result = await commit({ set, del, expect });
    if (result === "ok") {
      if (value === undefined) fields.delete(name);
      else fields.set(name, value);
      fields.committed({ set, del });
      return value;
    }
    fields.forget(name);
    if (attempt > 1) await clock.sleep(AGAIN(attempt, systemRandom, 0));
    await reload();
  }
  throw new SessionError(
    "SESSION_CONFLICT",
    `field "${name}" was changed by others ${MOST_ATTEMPTS} times while it was to be updated`,
    { retryable: true, status: 409 },
  );
}
