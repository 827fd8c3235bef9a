/**
 * HTTP/1.1 as the letter of RFC 9112 has it, and nothing more.
 *
 * What the proxy sends is judged by this reader and not by a server's, because servers forgive: each
 * one forgives something else, and that difference is what request smuggling lives on. So here a bare
 * line feed, a space before a colon, a second `Host`, a chunk extension or one byte too many is an
 * error. Text is latin1, one character a byte.
 */

/** A message that is not exactly what RFC 9112 says. */
export class Malformed extends Error {}

/** Name and value, in the order and case in which they came. */
export type Fields = readonly (readonly [name: string, value: string])[];

export interface WireRequest {
  readonly method: string;
  readonly target: string;
  readonly fields: Fields;
  readonly body: string;
}

export interface WireAnswer {
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  readonly body: string;
  readonly trailers: Fields;
}

/** A message and the place behind it. */
export interface Read<Message> {
  readonly message: Message;
  readonly end: number;
}

/** All values of a name, which is in lower case. */
export function valuesOf(fields: Fields, name: string): string[] {
  return fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** A path as it may be sent: visible, no backslash, no fragment, no second slash at its beginning. */
const ORIGIN_FORM = /^\/(?!\/)[\x21\x22\x24-\x5b\x5d-\x7e]*$/;

/** The request that begins at `from`; `undefined` while it is not whole. @throws Malformed */
export function readRequest(text: string, from: number): Read<WireRequest> | undefined {
  const head = readRequestHead(text, from);
  if (head === undefined) return undefined;
  const { method, target, fields } = head.message;
  const framed = readFramed(text, head.end, fields, 0);
  if (framed === undefined) return undefined;
  if (framed.message.trailers.length > 0) throw new Malformed("a request with trailers");
  return { message: { method, target, fields, body: framed.message.body }, end: framed.end };
}

/** As {@link readRequest}, without the body. */
export function readRequestHead(
  text: string,
  from: number,
): Read<Omit<WireRequest, "body">> | undefined {
  const head = readHead(text, from);
  if (head === undefined) return undefined;
  const [start, fields] = head.message;
  const line = /^(\S+) (\S+) HTTP\/1\.1$/.exec(start);
  const [, method = "", target = ""] = line ?? [];
  if (line === null || !TOKEN.test(method)) throw new Malformed(`request line ${quoted(start)}`);
  const isTarget = ORIGIN_FORM.test(target) || (target === "*" && method === "OPTIONS");
  if (!isTarget) throw new Malformed(`request target ${quoted(target)}`);
  const hosts = valuesOf(fields, "host");
  if (hosts.length !== 1) throw new Malformed(`${hosts.length} Host headers`);
  return { message: { method, target, fields }, end: head.end };
}

/**
 * The answer to a request of `method` that begins at `from`; `undefined` while it is not whole.
 * @param isClosed whether the connection has ended well, which ends a body without a length.
 * @throws Malformed
 */
export function readAnswer(
  text: string,
  from: number,
  method: string,
  isClosed: boolean,
): Read<WireAnswer> | undefined {
  const head = readHead(text, from);
  if (head === undefined) return undefined;
  const [start, fields] = head.message;
  const line = /^HTTP\/1\.1 (\d{3}) ([\t\x20-\x7e\x80-\xff]*)$/.exec(start);
  if (line === null) throw new Malformed(`status line ${quoted(start)}`);
  const status = Number(line[1]);
  const reason = line[2] ?? "";
  if (status < 200 || status === 204) refuseFraming(status, fields);
  const hasBody = method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
  const untilClose = isClosed ? Number.POSITIVE_INFINITY : undefined;
  const framed = hasBody
    ? readFramed(text, head.end, fields, untilClose)
    : { message: { body: "", trailers: [] }, end: head.end };
  if (framed === undefined) return undefined;
  return { message: { status, reason, fields, ...framed.message }, end: framed.end };
}

function refuseFraming(status: number, fields: Fields): void {
  for (const name of ["content-length", "transfer-encoding"]) {
    if (valuesOf(fields, name).length > 0) throw new Malformed(`${status} with ${name}`);
  }
}

type Head = readonly [start: string, fields: Fields];

function readHead(text: string, from: number): Read<Head> | undefined {
  const lines: string[] = [];
  let at = from;
  for (;;) {
    const line = readLine(text, at);
    if (line === undefined) return undefined;
    at = line.end;
    if (line.message === "") break;
    lines.push(line.message);
  }
  const [start, ...rest] = lines;
  if (start === undefined) throw new Malformed("an empty line before a message");
  const fields = rest.map(readField);
  framingOf(fields);
  return { message: [start, fields], end: at };
}

/** Up to CR LF; neither may stand alone, not even in a line that has not ended. */
function readLine(text: string, from: number): Read<string> | undefined {
  const feed = text.indexOf("\n", from);
  const line = text.slice(from, feed < 0 ? text.length : feed + 1);
  if (feed >= 0 && !line.endsWith("\r\n")) throw new Malformed(`bare LF after ${quoted(line)}`);
  const content = feed < 0 ? line.replace(/\r$/, "") : line.slice(0, -2);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for.
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(content)) {
    throw new Malformed(`control character in ${quoted(content)}`);
  }
  return feed < 0 ? undefined : { message: content, end: feed + 1 };
}

function readField(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  if (!TOKEN.test(name)) throw new Malformed(`header line ${quoted(line)}`);
  return [name, line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, "")];
}

/** @throws Malformed where two readers may disagree on it. */
function framingOf(fields: Fields): "chunked" | number | undefined {
  const lengths = valuesOf(fields, "content-length");
  const codings = valuesOf(fields, "transfer-encoding");
  if (lengths.length + codings.length > 1) {
    throw new Malformed(`framed by ${quoted([...lengths, ...codings].join(" and "))}`);
  }
  const [coding] = codings;
  const [length] = lengths;
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") throw new Malformed(`coding ${quoted(coding)}`);
    return "chunked";
  }
  if (length === undefined) return undefined;
  if (!/^\d{1,15}$/.test(length)) throw new Malformed(`Content-Length ${quoted(length)}`);
  return Number(length);
}

interface Framed {
  readonly body: string;
  readonly trailers: Fields;
}

/** @param unframed how long a body is of which nothing is said; `undefined`: not known yet. */
function readFramed(
  text: string,
  from: number,
  fields: Fields,
  unframed: number | undefined,
): Read<Framed> | undefined {
  const framing = framingOf(fields) ?? unframed;
  if (framing === "chunked") return readChunks(text, from);
  if (framing === undefined) return undefined;
  const end = framing === Number.POSITIVE_INFINITY ? text.length : from + framing;
  if (text.length < end) return undefined;
  return { message: { body: text.slice(from, end), trailers: [] }, end };
}

function readChunks(text: string, from: number): Read<Framed> | undefined {
  let body = "";
  let at = from;
  for (;;) {
    const line = readLine(text, at);
    if (line === undefined) return undefined;
    if (!/^[0-9a-fA-F]{1,8}$/.test(line.message)) {
      throw new Malformed(`chunk size ${quoted(line.message)}`);
    }
    const size = Number.parseInt(line.message, 16);
    if (size === 0) return readTrailers(text, line.end, body);
    const end = line.end + size;
    const after = text.slice(end, end + 2);
    if (!"\r\n".startsWith(after)) throw new Malformed(`chunk ends with ${quoted(after)}`);
    if (after.length < 2) return undefined;
    body += text.slice(line.end, end);
    at = end + 2;
  }
}

function readTrailers(text: string, from: number, body: string): Read<Framed> | undefined {
  const trailers: (readonly [string, string])[] = [];
  let at = from;
  for (;;) {
    const line = readLine(text, at);
    if (line === undefined) return undefined;
    at = line.end;
    if (line.message === "") return { message: { body, trailers }, end: at };
    trailers.push(readField(line.message));
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
