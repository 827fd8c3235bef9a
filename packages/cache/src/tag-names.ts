/**
 * The complete names of tags: the application's, and the two that every entry has.
 *
 * Clearing a definition, or the cache, is bumping a tag; no key is looked for.
 */

/** The tag of every entry of a cache. */
export const EVERYTHING = "*";

/** The tag of every entry of a definition. */
export function definitionTag(definition: string): string {
  return `n:${definition}`;
}

/** @throws TypeError when it is no text, or empty. */
export function ownTag(tag: string): string {
  if (typeof tag === "string" && tag !== "") return `t:${tag}`;
  const got = tag === "" ? "an empty string" : Array.isArray(tag) ? "an array" : typeof tag;
  throw new TypeError(`a tag must be a string that is not empty, got ${got}`);
}
