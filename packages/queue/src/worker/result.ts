/**
 * What a handler returned, as it is kept.
 *
 * As with data, what is checked is what will be read: the text, read back, must fit the schema, and
 * it is kept as it was returned, so that whoever reads it makes the same of it.
 */

import type { ClaimedJob, QueueDriver } from "../driver.ts";
import { decodePayload, encodePayload } from "../payload.ts";
import type { DefinitionRules } from "../queue-options.ts";
import { isPending, validated } from "../schema.ts";

/** Whether somebody may read it: by the job, or as the parent of it. If not, nothing is encoded. */
export function keepsResult(
  rules: Pick<DefinitionRules, "results">,
  driver: Pick<QueueDriver, "capabilities">,
  job: Pick<ClaimedJob, "parent">,
): boolean {
  if (rules.results !== undefined) return true;
  return job.parent !== undefined && driver.capabilities.results;
}

/**
 * JSON text, undefined for undefined; a promise only if the schema needs one.
 * @throws QueueError `QUEUE_INVALID`, `QUEUE_VALUE`, `QUEUE_TOO_LARGE`
 */
export function resultText(
  rules: Pick<DefinitionRules, "output" | "maxBytes">,
  queue: string,
  result: unknown,
): string | undefined | Promise<string | undefined> {
  const { output, maxBytes } = rules;
  const text =
    result === undefined ? undefined : encodePayload(queue, "the result", result, maxBytes);
  if (output === undefined) return text;
  const read = text === undefined ? undefined : decodePayload(queue, "the result", text);
  const checked = validated(output, queue, "the result", read);
  return isPending(checked) ? checked.then(() => text) : text;
}
