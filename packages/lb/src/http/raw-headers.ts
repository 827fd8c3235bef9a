/**
 * Headers as they came: one flat list of name, value, name, value.
 *
 * `node:http` gives the headers of a request so (`rawHeaders`), and undici those of an answer, there
 * as buffers. Both also offer an object of them, which costs some microseconds a message, loses the
 * case of the names and joins what was repeated. A proxy needs none of that: it looks at a few names
 * and passes the rest on. So everything in this folder works on the flat list.
 *
 * A name is compared by its length first, which settles it for nearly all.
 */

/** Names at even places, values at odd ones. undici's wrapped handlers give repeated values as a list. */
export type RawHeaders = readonly (string | Buffer | readonly Buffer[])[];

/** Whether this is the name `lowerCase`, however it is capitalised. */
export function isNamed(name: RawHeaders[number], lowerCase: string): boolean {
  return name.length === lowerCase.length && textOf(name).toLowerCase() === lowerCase;
}

/** A name or value as text. Bytes are latin1, as HTTP has them; a list is joined with commas. */
export function textOf(value: RawHeaders[number]): string {
  if (typeof value === "string") return value;
  if (Buffer.isBuffer(value)) return value.toString("latin1");
  return value.map(textOf).join(", ");
}

/** The value of the first header of this name; `undefined` when there is none. O(headers). */
export function headerOf(raw: RawHeaders, lowerCase: string): string | undefined {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index];
    if (name === undefined || !isNamed(name, lowerCase)) continue;
    const value = raw[index + 1];
    return value === undefined ? undefined : textOf(value);
  }
  return undefined;
}
