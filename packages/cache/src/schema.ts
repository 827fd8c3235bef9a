/**
 * Whether a value that was stored is still what the application expects, by a Standard Schema.
 *
 * A deployment may change what a value looks like while the store is full of old ones. Those that
 * do not match are misses, and are loaded anew. What a schema makes of a value (defaults,
 * transformations) is not used: a cached value is given as it was loaded.
 *
 * A read cannot wait for a schema, so an asynchronous one matches nothing. Of zod that includes a
 * refinement that throws: zod then tries again asynchronously.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";

/**
 * @param schema of zod, valibot, arktype or another; undefined matches everything.
 * @param value undefined is "known to be absent", of which a schema says nothing: it matches.
 * @returns false as well when the schema throws or is asynchronous.
 */
export function matches(schema: StandardSchemaV1 | undefined, value: unknown): boolean {
  if (schema === undefined || value === undefined) return true;
  try {
    const outcome = schema["~standard"].validate(value);
    if (!(outcome instanceof Promise)) return outcome.issues === undefined;
    outcome.catch(() => {}); // or it would end the process
  } catch {
    // A schema that stumbles over an old value has not accepted it.
  }
  return false;
}
