/**
 * The members of a Patroni cluster, from the REST API that each of them has.
 *
 * Any member answers `GET /cluster` with all of them, so the addresses are tried in turn, the one that
 * answered last first. What Patroni says of roles is not used: it may be some seconds old, and the
 * servers are asked themselves. Of the tags, `noloadbalance` is honoured: such a member gets no reads
 * and is kept only for the day on which it may be the primary, unless it has `nofailover` too.
 */

import { withDeadline } from "@headroom/core/deadline";
import { requireFunction, requireKnownOptions, requirePositive } from "@headroom/core/options";
import { DISCOVERY_EVERY_MS, type Discovery, type DiscoveryContext } from "../discovery.ts";
import type { ServerConfig } from "../pool/replica-pool-options.ts";

/** What Patroni knows of a member. */
export interface PatroniMember {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `"leader"`, `"replica"`, `"sync_standby"`, `"standby_leader"` and what else Patroni has. */
  readonly role: string;
}

export interface PatroniOptions {
  /** Of the REST APIs: `["http://10.0.0.1:8008", "http://10.0.0.2:8008"]`. One that answers is enough. */
  readonly urls: readonly string[];
  /**
   * How to connect to it; undefined leaves it out.
   * @example ({ host, port }) => ({ host, port, user: "app", password, database: "shop" })
   */
  readonly connectionFor: (member: PatroniMember) => ServerConfig | undefined;
  /** How often it is asked, in milliseconds. @default 5000 */
  readonly everyMs?: number | undefined;
  /** How long one address may take to answer, in milliseconds. @default 2000 */
  readonly timeoutMs?: number | undefined;
  /** For certificates or headers of your own. @default the global one */
  readonly fetch?: typeof fetch | undefined;
}

/** Replicas that stream say so since Patroni 3.0.4, before that they only ran. */
const RUNNING = new Set(["running", "streaming", "in archive recovery"]);

/**
 * Finds the members that run.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function patroni(options: PatroniOptions): Discovery {
  requireKnownOptions("patroni", options, KNOWN);
  const connectionFor = requireFunction("connectionFor", options.connectionFor);
  const timeoutMs = requirePositive("timeoutMs", options.timeoutMs ?? 2000);
  const request = requireFunction("fetch", options.fetch ?? fetch);
  let urls = requireUrls(options.urls);

  async function ask(url: string, { signal, clock }: DiscoveryContext): Promise<unknown> {
    return withDeadline({ timeoutMs, signal, clock, what: url }, async (within) => {
      const answer = await request(url, { signal: within });
      if (answer.ok) return answer.json();
      await answer.body?.cancel();
      throw new Error(`${url} answered ${answer.status}`);
    });
  }

  return {
    name: "patroni",
    everyMs: requirePositive("everyMs", options.everyMs ?? DISCOVERY_EVERY_MS),
    async list(context) {
      const errors: string[] = [];
      for (const url of urls) {
        let members: readonly Member[];
        try {
          members = membersOf(await ask(url, context));
        } catch (error) {
          context.signal.throwIfAborted();
          errors.push(error instanceof Error ? error.message : String(error));
          continue;
        }
        urls = [url, ...urls.filter((other) => other !== url)];
        return members
          .map((member) => serverOf(member, connectionFor(member)))
          .filter((server) => server !== undefined);
      }
      throw new Error(`no Patroni member answered: ${errors.join("; ")}`);
    },
  };
}

interface Member extends PatroniMember {
  readonly isRead: boolean;
  readonly isCandidate: boolean;
}

/** @throws TypeError for what is no answer of Patroni's. */
function membersOf(answer: unknown): readonly Member[] {
  const members = (answer as { members?: unknown } | null)?.members;
  if (!Array.isArray(members) || members.length === 0) {
    throw new TypeError("its answer has no members");
  }
  return members.flatMap((member) => memberOf(member as Readonly<Record<string, unknown>>) ?? []);
}

/** Undefined for one that is not there: a member that starts has no address yet. */
function memberOf(member: Readonly<Record<string, unknown>>): Member | undefined {
  const { name, host, port, role, state } = member;
  const tags = (member["tags"] ?? {}) as Readonly<Record<string, unknown>>;
  if (!RUNNING.has(String(state)) || typeof host !== "string") return undefined;
  return {
    name: String(name),
    host,
    port: Number(port ?? 5432),
    role: String(role),
    isRead: tags["noloadbalance"] !== true,
    isCandidate: tags["nofailover"] !== true,
  };
}

function serverOf(
  { isRead, isCandidate, role }: Member,
  server: ServerConfig | undefined,
): ServerConfig | undefined {
  if (isRead || server === undefined) return server;
  if (!isCandidate && role !== "leader") return undefined;
  const config = typeof server === "string" ? { connectionString: server } : server;
  return { ...config, weight: 0 };
}

function requireUrls(urls: readonly string[]): readonly string[] {
  if (!Array.isArray(urls) || urls.length === 0) {
    throw new TypeError('urls must list at least one URL such as "http://10.0.0.1:8008"');
  }
  return urls.map((url, index) => {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    const isWeb = parsed?.protocol === "http:" || parsed?.protocol === "https:";
    if (parsed === undefined || !isWeb || parsed.username !== "" || parsed.password !== "") {
      throw new TypeError(
        `urls[${index}] must be an http or https URL without credentials; for those, pass a fetch of your own`,
      );
    }
    return new URL("cluster", parsed.href.endsWith("/") ? parsed : `${parsed.href}/`).href;
  });
}

const KNOWN: readonly (keyof PatroniOptions)[] = [
  "urls",
  "connectionFor",
  "everyMs",
  "timeoutMs",
  "fetch",
];
