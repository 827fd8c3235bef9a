/** Targets out of DNS that come and go under load, and a name server that does, too. */

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Resolver } from "node:dns/promises";
import { connect, createServer } from "node:net";
import { pipeline } from "node:stream";
import { type HttpBackend, startHttpFleet, testSeed, useServers } from "@headroom/harness";
import { dnsTargets, type LoadBalancerOptions, srvTargets } from "@headroom/lb";
import { expect, onTestFinished, test, vi } from "vitest";
import { DnsServer } from "../../packages/lb/test/dns-server.ts";
import { balanced, expectNothingLost, Load, report } from "./lb-faults-load.ts";

const fleet = useServers(() => startHttpFleet({ backends: 4, seed: testSeed().value }));
const backend = (at: number): HttpBackend => fleet().nodes[at] as HttpBackend;

const SERVICE = "_http._tcp.users.test";
/** Of a record; the discovery here asks again after as long. */
const HOLDS_MS = 100;

/** A resolver that asks this name server alone, and what to tell a discovery about time. */
function asking(names: DnsServer) {
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([names.address]);
  return { resolver, minTtlMs: HOLDS_MS, maxTtlMs: HOLDS_MS, timeoutMs: 1_000 };
}

/** The service consists of these. */
function publish(names: DnsServer, nodes: readonly HttpBackend[]): void {
  const records = nodes.map(({ name, direct: { port } }) => ({
    ...{ type: "SRV", priority: 0, weight: 1, port, target: `${name}.test`, ttl: 0 },
  }));
  names.set("SRV", SERVICE, records as Parameters<DnsServer["set"]>[2]);
  for (const { name } of nodes) {
    names.set("A", `${name}.test`, [{ type: "A", data: "127.0.0.1", ttl: 0 }]);
  }
}

const balancedBy = (targets: LoadBalancerOptions["targets"], name = "dns") =>
  balanced([], { targets, name, health: { slowStartMs: 0 } });

const requestsOf = async (node: HttpBackend) => (await node.stats()).requests;

/** The codes with which the discovery of `pool` fails from now on. */
function discoveryFailures(pool: string): Set<string> {
  const codes = new Set<string>();
  const listener = (message: unknown): void => {
    const event = message as { readonly pool: string; readonly code: string };
    if (event.pool === pool) codes.add(event.code);
  };
  subscribe("headroom.lb.discovery", listener);
  onTestFinished(() => void unsubscribe("headroom.lb.discovery", listener));
  return codes;
}

test("servers that leave the name are drained and those that join are used: nothing fails", async () => {
  await using names = await DnsServer.start();
  publish(names, [backend(0), backend(1)]);
  const lb = balancedBy(srvTargets({ name: SERVICE, ...asking(names) }));
  const load = new Load(lb, fleet().nodes, { posts: 0.3 });
  load.start();
  await load.answered(100);
  // Requests are under way for longer than it takes to hear that it is gone.
  await backend(0).behave({ delayMs: 5 * HOLDS_MS });
  await vi.waitFor(async () => expect((await backend(0).stats()).inFlight).toBeGreaterThan(0));
  const idOf = (node: HttpBackend) => `127.0.0.1:${node.direct.port}`;
  const changedMs = load.log.nowMs();
  publish(names, [backend(1), backend(2), backend(3)]);
  await vi.waitFor(() => expect(lb.targetIds).not.toContain(idOf(backend(0))), { timeout: 10_000 });
  const followedMs = load.log.nowMs() - changedMs;
  const left = await backend(0).stats();
  expect(left.inFlight).toBeGreaterThan(0);
  await load.answered(200);
  await vi.waitFor(async () => expect((await backend(0).stats()).connections).toBe(0), {
    timeout: 10_000,
  });
  expect(await requestsOf(backend(0))).toBe(left.requests);
  await backend(0).stop();
  expect(await requestsOf(backend(3))).toBeGreaterThan(0);
  const account = await load.end();
  report("another set of servers", account, { followedMs, drained: left.inFlight });
  expectNothingLost(account);
  expect(account.failedPosts).toBe(0);
});

test("while the name server fails in every way, the last good set serves, and a death in it costs no GET", async () => {
  const names = await DnsServer.start();
  const { port } = names;
  publish(names, [backend(0), backend(1), backend(2)]);
  const lb = balancedBy(srvTargets({ name: SERVICE, ...asking(names) }), "failing-dns");
  const load = new Load(lb, fleet().nodes, { posts: 0.3 });
  load.start();
  await load.answered(100);
  const known = [...lb.targetIds];
  const codes = discoveryFailures("failing-dns");
  const failed = async (code: string): Promise<void> => {
    await vi.waitFor(() => expect(codes).toContain(code), { timeout: 10_000 });
    expect(lb.targetIds).toEqual(known);
    await load.answered(50);
  };
  names.set("SRV", SERVICE, "SERVFAIL");
  await failed("ESERVFAIL");
  names.set("SRV", SERVICE, "NXDOMAIN");
  await failed("ENOTFOUND");
  names.set("SRV", SERVICE, []);
  await failed("ENODATA");
  names.set("SRV", SERVICE, "silence");
  await failed("ETIMEOUT");
  await names.close();
  await failed("ECONNREFUSED");
  await backend(0).kill9();
  await load.answered(200);
  const back = await DnsServer.start(port);
  onTestFinished(() => back.close());
  publish(back, [backend(1), backend(2), backend(3)]);
  const backMs = load.log.nowMs();
  await vi.waitFor(async () => expect(await requestsOf(backend(3))).toBeGreaterThan(0), {
    timeout: 10_000,
  });
  const recoveryMs = load.log.nowMs() - backMs;
  const account = await load.end();
  report("no name server", account, { recoveryMs });
  expectNothingLost(account);
  // What was under way at the one that was killed.
  expect(account.failedPosts).toBeLessThanOrEqual(8);
});

// Other addresses of the loopback network need no set-up on Linux alone.
test.runIf(process.platform === "linux")(
  "the addresses of a name change, at one port: each request goes to an address that it has",
  async () => {
    await using names = await DnsServer.start();
    const port = await relay("127.0.0.2", backend(0));
    await relay("127.0.0.3", backend(1), port);
    await relay("127.0.0.4", backend(2), port);
    const have = (...hosts: string[]) =>
      names.set(
        "A",
        "users.test",
        hosts.map((data) => ({ type: "A", data, ttl: 0 })),
      );
    have("127.0.0.2", "127.0.0.3");
    const lb = balancedBy(dnsTargets({ hostname: "users.test", port, ...asking(names) }));
    const load = new Load(lb, fleet().nodes, { posts: 0.3 });
    load.start();
    await load.answered(100);
    expect(await requestsOf(backend(2))).toBe(0);
    have("127.0.0.3", "127.0.0.4");
    await vi.waitFor(() =>
      expect(lb.targetIds).toEqual([`127.0.0.3:${port}`, `127.0.0.4:${port}`]),
    );
    await vi.waitFor(async () => expect((await backend(0).stats()).inFlight).toBe(0));
    const left = await requestsOf(backend(0));
    await load.answered(200);
    expect(await requestsOf(backend(0))).toBe(left);
    expect(await requestsOf(backend(2))).toBeGreaterThan(0);
    const account = await load.end();
    report("other addresses", account);
    expectNothingLost(account);
    expect(account.failedPosts).toBe(0);
  },
);

/** Makes a server reachable at another address of this machine; gives the port. */
async function relay(host: string, { direct }: HttpBackend, port = 0): Promise<number> {
  const server = createServer((client) => {
    const target = connect(direct.port, direct.host);
    pipeline(client, target, client, () => {});
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
