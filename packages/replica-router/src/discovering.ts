/** Asks a discovery again and again, and uses what it says. */

import type { Clock } from "@headroom/core/clock";
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
}

/** @returns ends it. */
export function discoverRegularly(
  { discovery, hosts, clock }: DiscoveringSettings,
  { use, query }: DiscoveringUses,
): () => void {
  if (discovery === undefined) return () => {};
  const ending = new AbortController();
  const { signal } = ending;
  void (async () => {
    while (!signal.aborted) {
      try {
        const servers = await discovery.list({ query, signal });
        const found = servers.map((server, index) => hostConfig(`discovery[${index}]`, server));
        const named = new Set(hosts.map(({ name }) => name));
        if (!signal.aborted) use([...hosts, ...found.filter(({ name }) => !named.has(name))]);
      } catch (error) {
        if (!signal.aborted) warn(discovery.name, error);
      }
      await clock.sleep(discovery.everyMs, { signal }).catch(() => {});
    }
  })();
  return () => ending.abort();
}

function warn(name: string, error: unknown): void {
  const said = error instanceof Error ? error.message : String(error);
  process.emitWarning(
    `the servers could not be discovered by ${name}, the last ones stay: ${said}`,
    {
      code: "HEADROOM_REPLICA_DISCOVERY",
    },
  );
}
