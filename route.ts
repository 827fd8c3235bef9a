/**
 * Where does this statement go, and why?
 *
 * One pure function over what is known at this instant: no I/O, no time, so that every case is a test
 * of one line. The order of its questions is the order of their authority:
 *
 *     a hint of the application             what it knows, we do not
 *     what the statement does               all that may write, or is not understood, to the primary
 *     what the caller has to see            its own writes, and nothing older than it saw before
 *     which replicas are fit                reachable, not excluded, within `maxLag`
 *
 * The invariant for reads in a session: the server chosen has replayed all that the session requires
 * by what was *measured* of it, which is never later than the truth. So a measurement that is old costs
 * a read its replica and never its freshness. Within one scope reads stay with one server (`last`):
 * two replicas that both have the required position are not at the same one, and going from one to the
 * other could lead back in time. When that server is lost, the primary takes its place.
 *
 * What it does not do: it never waits and never retries; `execute.ts` does, and asks again.
 */

import type { Host } from "./host.ts";
import type { Statement } from "./statement.ts";
import type { Position } from "./token.ts";

/** Why a statement went where it went. A closed set, fit to be a label. */
export type RouteReason =
  | "read"
  | "write"
  | "volatile-function"
  | "transaction"
  | "session-state"
  | "hint"
  | "unsure"
  | "strong"
  | "wrote"
  | "token-behind"
  | "lagging"
  | "no-replica"
  | "retry";

/** Which servers a read may be sent to. */
export type Consistency = "session" | "eventual" | "strong";

/** The application's own choice for a statement. */
export type RouteHint = "primary" | "replica";

/** What is the same for every statement of a pool. */
export interface RouteRules {
  readonly consistency: Consistency;
  /** A replica further behind serves no reads; one whose lag is not known does. */
  readonly maxLag: { readonly ms: number; readonly bytes: number };
  readonly hasReplayed: (host: Host, required: Position) => boolean;
  readonly pick: (candidates: readonly Host[], excluded: ReadonlySet<Host>) => Host | undefined;
}

/** What is asked for one statement. */
export interface RouteRequest {
  readonly statement: Statement;
  readonly hint: RouteHint | undefined;
  /** What the caller must see; undefined when nothing. */
  readonly session: { readonly required: Position | undefined; readonly wrote: boolean } | undefined;
  /** The server that this scope read from last; undefined for none, and outside of scopes. */
  readonly last: Host | undefined;
  /** Servers that have failed this statement. */
  readonly excluded: ReadonlySet<Host>;
}

/** What is known of the servers at this instant. */
export interface RouteServers {
  readonly primary: Host | undefined;
  /** Usable, and not fenced. */
  readonly replicas: readonly Host[];
}

export interface Route {
  /** The replica chosen; undefined for the primary, which may not be known at the moment. */
  readonly replica: Host | undefined;
  readonly reason: RouteReason;
  /** With `token-behind`: a replica that would do if the read could wait for it. */
  readonly behind?: Host;
}

/** Decides for one statement. O(replicas). */
export function route(rules: RouteRules, request: RouteRequest, servers: RouteServers): Route {
  const { statement, hint } = request;
  if (hint === "primary") return toPrimary("hint");
  if (hint === "replica") return anyReplica(rules, request, servers.replicas);
  const reason = reasonForPrimary(statement);
  if (reason !== undefined) return toPrimary(reason);
  if (rules.consistency === "strong") return toPrimary("strong");
  if (rules.consistency === "session" && request.session !== undefined) {
    if (request.session.wrote) return toPrimary("wrote");
    if (request.last !== undefined) return sameServer(rules, request, request.last, servers);
  }
  return freshReplica(rules, request, servers.replicas);
}

function toPrimary(reason: RouteReason): Route {
  return { replica: undefined, reason };
}

/** Why the statement itself belongs on the primary; undefined when it may run on a standby. */
function reasonForPrimary({ kind, because }: Statement): RouteReason | undefined {
  switch (kind) {
    case "read":
    case "begin-read-only":
      return undefined;
    case "begin":
    case "end":
      return "transaction";
    case "session":
      return "session-state";
    case "write":
      if (because === "volatile-function") return "volatile-function";
      return because === "unsure" ? "unsure" : "write";
  }
}

/** The application asked for a replica, however old. */
function anyReplica(rules: RouteRules, request: RouteRequest, replicas: readonly Host[]): Route {
  const replica = rules.pick(replicas, request.excluded);
  return { replica, reason: replica === undefined ? "no-replica" : "hint" };
}

function sameServer(
  rules: RouteRules,
  request: RouteRequest,
  last: Host,
  servers: RouteServers,
): Route {
  const fit =
    servers.replicas.includes(last) &&
    !request.excluded.has(last) &&
    !isLagging(rules, last) &&
    hasRequired(rules, request, last);
  return fit ? chosen(request, last) : toPrimary("token-behind");
}

function freshReplica(rules: RouteRules, request: RouteRequest, replicas: readonly Host[]): Route {
  if (isUnlimited(rules) && requiredOf(rules, request) === undefined) {
    const replica = rules.pick(replicas, request.excluded);
    return replica === undefined ? toPrimary("no-replica") : chosen(request, replica);
  }
  const there = replicas.filter((host) => !request.excluded.has(host));
  const timely = there.filter((host) => !isLagging(rules, host));
  const fresh = timely.filter((host) => hasRequired(rules, request, host));
  const replica = rules.pick(fresh, request.excluded);
  if (replica !== undefined) return chosen(request, replica);
  if (there.length === 0) return toPrimary("no-replica");
  if (timely.length === 0) return toPrimary("lagging");
  const behind = rules.pick(timely, request.excluded);
  return { replica: undefined, reason: "token-behind", ...(behind && { behind }) };
}

function chosen({ statement, excluded }: RouteRequest, replica: Host): Route {
  if (excluded.size > 0) return { replica, reason: "retry" };
  return { replica, reason: statement.kind === "read" ? "read" : "transaction" };
}

function isUnlimited({ maxLag }: RouteRules): boolean {
  return maxLag.ms === Number.POSITIVE_INFINITY && maxLag.bytes === Number.POSITIVE_INFINITY;
}

/** Unknown is not late: with the primary unreachable no lag can be measured, and reads go on. */
function isLagging({ maxLag }: RouteRules, { lagMs, lagBytes }: Host): boolean {
  if (lagMs !== undefined && lagMs > maxLag.ms) return true;
  return lagBytes !== undefined && Number(lagBytes) > maxLag.bytes;
}

function requiredOf(rules: RouteRules, { session }: RouteRequest): Position | undefined {
  return rules.consistency === "session" ? session?.required : undefined;
}

function hasRequired(rules: RouteRules, request: RouteRequest, host: Host): boolean {
  const required = requiredOf(rules, request);
  return required === undefined || rules.hasReplayed(host, required);
}
