/**
 * What a proxy did with one row of the corpus, and whether that may be.
 *
 * Whatever the client writes, the upstream gets well-formed requests, those the row names and no
 * others; the client gets their answers and no others, or its connection ends. Afterwards a stranger
 * asks (`/canary`): what the row left behind on a connection that is kept to the upstream
 * would show in the stranger's answer. The checks return what is wrong, as text: the corpus expects
 * nothing, and the self-test of the corpus expects something.
 */

import { vi } from "vitest";
import { converse, type Heard, type Writes } from "./lb-proxy-client.ts";
import { echo, rawUpstream, type Upstream, type UpstreamConnection } from "./lb-proxy-upstream.ts";
import { type Fields, Malformed, readRequest, valuesOf, type WireRequest } from "./lb-proxy-wire.ts";

/** A proxy in front of the server with this URL; it ends with the test. */
export type StartFront = (upstreamUrl: string) => Promise<{ readonly port: number }>;

/** A request that reaches the upstream. */
export interface Reaching {
  /** Method and target. */
  readonly line: string;
  /** @default "" */
  readonly body?: string | undefined;
  /** Name in lower case, and the values of all headers of that name; `null` for none. */
  readonly headers?: Readonly<Record<string, string | null>> | undefined;
}

export interface RequestRow {
  readonly name: string;
  readonly writes: Writes;
  readonly reaches: readonly Reaching[];
  readonly statuses: readonly number[];
  /** How many 1xx the client gets. @default 0 */
  readonly interim?: number | undefined;
  /** Whether the client may go on using its connection. */
  readonly then: "open" | "closed";
  readonly halfCloses?: boolean | undefined;
  readonly methods?: readonly string[] | undefined;
}

export interface Observed {
  readonly heard: Heard;
  /** What the stranger heard. */
  readonly canary: Heard;
  readonly upstream: Upstream;
}

export interface Manner {
  readonly writing?: "whole" | "byte by byte" | undefined;
  readonly patienceMs?: number | undefined;
}

const FENCE: Reaching = { line: "GET /fence" };
const CANARY: Reaching = { line: "GET /canary" };
const closing = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;

/** Has the row's client speak to the proxy, and then a stranger. */
export async function observe(
  row: RequestRow,
  front: StartFront,
  manner: Manner = {},
): Promise<Observed> {
  const upstream = await rawUpstream();
  const { port } = await front(upstream.url);
  // Behind the last answer of a connection that stays open: nothing may come between them.
  const fence = row.then === "open" ? [closing("/fence")] : [];
  const heard = await converse(port, [row.writes, fence].flat(), { ...row, ...manner });
  const canary = await converse(port, closing("/canary"), { patienceMs: manner.patienceMs });
  await settled(upstream);
  return { heard, canary, upstream };
}

/** Requests that were given up are being taken back: their connections close. */
async function settled({ connections }: Upstream): Promise<void> {
  const halves = connections.filter((connection) => restOf(connection) !== "");
  await vi
    .waitUntil(() => halves.every(({ isClosed }) => isClosed), { timeout: 500, interval: 5 })
    // Then it is a finding.
    .catch(() => {});
}

/** What is wrong with it; nothing when all is as the row says. */
export function findings(row: RequestRow, observed: Observed): string[] {
  const { heard, upstream } = observed;
  const fence = row.then === "open" ? [FENCE] : [];
  const expected = [...row.reaches, ...fence, CANARY];
  const lines = expected.map(({ line }) => line).join(", ");
  const came = upstream.requests.map(({ method, target }) => `${method} ${target}`).join(", ");
  return [
    ...generalFindings(observed),
    ...(came === lines ? [] : [`upstream got ${came}, not ${lines}`]),
    ...expected.flatMap((each, at) => differences(each, upstream.requests[at])),
    ...answerFindings(row, heard, [...row.reaches, ...fence]),
  ];
}

/** What holds for every row, whatever it sends. */
export function generalFindings({ heard, canary, upstream }: Observed): string[] {
  const [answer] = canary.answers;
  const isOwn = answer?.status === 200 && answer.body === "<GET /canary>";
  return [
    ...upstream.connections.flatMap(connectionFindings),
    ...upstream.requests.flatMap((request) => headerFindings(request, upstream)),
    ...(heard.malformed === undefined ? [] : [`client got ${heard.malformed}`]),
    ...(heard.rest === "" ? [] : [`client got half an answer: ${JSON.stringify(heard.rest)}`]),
    ...(heard.end === "waiting" ? ["client was left waiting"] : []),
    ...(isOwn && canary.answers.length === 1 && canary.rest === ""
      ? []
      : [`a stranger got ${JSON.stringify(canary.received.slice(0, 200))}`]),
  ];
}

function restOf({ received, readUpTo }: UpstreamConnection): string {
  return received.slice(readUpTo);
}

/** Bytes behind the last whole request may only be the beginning of one that was given up. */
function connectionFindings(connection: UpstreamConnection): string[] {
  if (connection.malformed !== undefined) return [`upstream got ${connection.malformed}`];
  const rest = restOf(connection);
  if (rest === "" || (connection.isClosed && isBeginning(rest))) return [];
  return [`upstream got half a request: ${JSON.stringify(rest)}`];
}

function isBeginning(rest: string): boolean {
  try {
    return readRequest(rest, 0) === undefined;
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
}

const NEVER_FORWARDED = [
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "trailer",
];

function headerFindings({ method, target, fields }: WireRequest, { url }: Upstream): string[] {
  const found = NEVER_FORWARDED.filter((name) => valuesOf(fields, name).length > 0);
  for (const name of ["connection", "te", "upgrade"]) {
    const value = valuesOf(fields, name).join(", ").toLowerCase();
    if (!allowed(name, fields).includes(value)) found.push(`${name}: ${value}`);
  }
  if (valuesOf(fields, "host")[0] !== new URL(url).host) found.push("a Host that is not its own");
  return found.map((what) => `upstream got ${what} with ${method} ${target}`);
}

/** Only a WebSocket may be asked for by `Upgrade`. */
function allowed(name: string, fields: Fields): string[] {
  const isUpgrade = valuesOf(fields, "upgrade").length > 0;
  if (name === "connection") return isUpgrade ? ["upgrade"] : ["keep-alive", "close"];
  return name === "te" ? ["", "trailers"] : ["", "websocket"];
}

function differences(expected: Reaching, request: WireRequest | undefined): string[] {
  if (request === undefined) return [];
  const found: string[] = [];
  const { line, body = "", headers = {} } = expected;
  if (request.body !== body) found.push(`body of ${line}: ${JSON.stringify(request.body)}`);
  for (const [name, value] of Object.entries(headers)) {
    const values = valuesOf(request.fields, name);
    if ((values.length === 0 ? null : values.join(" | ")) === value) continue;
    found.push(`${name} of ${line}: ${JSON.stringify(values)}, not ${value}`);
  }
  return found;
}

function answerFindings(row: RequestRow, heard: Heard, asked: readonly Reaching[]): string[] {
  const found: string[] = [];
  const statuses = [...row.statuses, ...(row.then === "open" ? [200] : [])].join(", ");
  const got = heard.answers.map(({ status }) => status).join(", ");
  if (got !== statuses) found.push(`client got ${got || "nothing"}, not ${statuses}`);
  if (heard.interim.length !== (row.interim ?? 0)) found.push(`${heard.interim.length} 1xx`);
  const bodies = heard.answers
    .filter(({ status, body }) => status === 200 && body !== "")
    .map(({ body }) => body);
  const echoed = asked.filter(({ line }) => !line.startsWith("HEAD")).map(bodyOf);
  if (bodies.join() !== echoed.join()) found.push(`client got ${bodies}, not ${echoed}`);
  return found;
}

function bodyOf({ line }: Reaching): string {
  const [method = "", target = ""] = line.split(" ");
  return echo({ method, target }).split("\r\n\r\n")[1] ?? "";
}
