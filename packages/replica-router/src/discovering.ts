/**
 * Asks a discovery again and again, and uses what it says.
 *
 *     it answers         the servers that the application has named, the primary, and those it found
 *     it fails, or hangs the list stays as it was, and a warning says so: once, until it is well again
 *
 * The primary of the moment stays, whether it is found or not. A list of the servers that follow it
 * does not name it, and nobody else could take the writes.
 */

import type { Clock } from "@headroom/core/clock";
import { withDeadline } from "@headroom/core/deadline";
import { redactUrl } from "@headroom/core/errors";
import type { Discovery, DiscoveryContext } from "./discovery.ts";
import { hostConfig } from "./pool/host-configs.ts";
import type { HostConfig } from "./topology/host.ts";

export interface DiscoveringSettings {
  readonly discovery: Discovery | undefined;
  /** Servers that the application has named: they stay, whatever is discovered. */
  readonly hosts: readonly HostConfig[];
  readonly clock: Clock;
}

export interface DiscoveringUses {
  readonly use: (hosts: readonly HostConfig[]) => void;
  readonly query: DiscoveryContext["query"];
  /** Who takes the writes at the moment. */
  readonly primary: () => HostConfig | undefined;
}

/** Longer than the primary is waited for. */
const LIST_TIMEOUT_MS = 30_000;

/** @returns ends it. */
export function discoverRegularly(
  { discovery, hosts, clock }: DiscoveringSettings,
  { use, query, primary }: DiscoveringUses,
): () => void {
  if (discovery === undefined) return () => {};
  const ending = new AbortController();
  const deadline = {
    timeoutMs: LIST_TIMEOUT_MS,
    signal: ending.signal,
    what: discovery.name,
    clock,
  };
  const warn = warnOnce(discovery.name);
  void (async () => {
    while (!ending.signal.aborted) {
      try {
        const servers = await withDeadline(deadline, (signal) =>
          discovery.list({ query, signal, clock }),
        );
        const found = servers.map((server, index) => hostConfig(`discovery[${index}]`, server));
        const stays = primary();
        if (!ending.signal.aborted) use(byName([...hosts, ...found, ...(stays ? [stays] : [])]));
        warn(undefined);
      } catch (error) {
        if (!ending.signal.aborted) warn(error);
      }
      await clock.sleep(discovery.everyMs, { signal: ending.signal }).catch(() => {});
    }
  })();
  return () => ending.abort();
}

/** The first of each name. */
function byName(hosts: readonly HostConfig[]): readonly HostConfig[] {
  const known = new Map<string, HostConfig>();
  for (const host of hosts) if (!known.has(host.name)) known.set(host.name, host);
  return [...known.values()];
}

/** An outage is told once, not every few seconds; another error is another outage. */
function warnOnce(name: string): (error: unknown) => void {
  let told: string | undefined;
  return (error) => {
    const said = error instanceof Error ? error.message : String(error);
    const what = error === undefined ? undefined : redactUrl(said);
    if (what !== undefined && what !== told) {
      process.emitWarning(
        `the servers could not be discovered by ${name}, the last ones stay: ${what}`,
        { code: "HEADROOM_REPLICA_DISCOVERY" },
      );
    }
    told = what;
  };
}
