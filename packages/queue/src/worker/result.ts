/**
 * What a handler returned, as it is kept.
 *
 * As with data, what is checked is what will be read: the text, read back, must fit the schema, and
 * it is kept as it was returned, so that whoever reads it makes the same of it. Where results are not
 * kept, nothing is encoded.
 */

import { decodePayload, encodePayload } from "../payload.ts";
import type { DefinitionRules } from "../queue-options.ts";
import { isPending, validated } from "../schema.ts";

/**
 * JSON text, or undefined where nothing is kept; a promise only if the schema needs one.
 * @throws QueueError `QUEUE_INVALID`, `QUEUE_VALUE`, `QUEUE_TOO_LARGE`
 */
export function resultText(
  rules: Pick<DefinitionRules, "output" | "results" | "maxBytes">,
  queue: string,
  result: unknown,
): string | undefined | Promise<string | undefined> {
  const { output, results, maxBytes } = rules;
  if (results === undefined && output === undefined) return undefined;
  const text =
    result === undefined ? undefined : encodePayload(queue, "the result", result, maxBytes);
  if (output === undefined) return text;
  const read = text === undefined ? undefined : decodePayload(queue, "the result", text);
  const checked = validated(output, queue, "the result", read);
  return isPending(checked) ? checked.then(() => text) : text;
}
