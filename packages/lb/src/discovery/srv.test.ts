import { Resolver } from "node:dns/promises";
import { createManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { DnsServer } from "../../test/dns-server.ts";
import type { DiscoveryUpdate } from "../discovery.ts";
import { requireTargets, type TargetOptions } from "../target.ts";
import type { DnsAddress, DnsAddressRecord, DnsServiceRecord } from "./dns-options.ts";
import { type SrvTargetsOptions, srvTargets } from "./srv.ts";

const SERVICE = "_http._tcp.users.internal";

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function start() {
  const server = await DnsServer.start();
  const resolver = new Resolver({ timeout: 100, tries: 1 });
  resolver.setServers([server.address]);
  const clock = createManualClock();
  const ended = new AbortController();
  const discovery = srvTargets({ name: SERVICE, resolver, clock, random: () => 0 });
  const updates = discovery(ended.signal)[Symbol.asyncIterator]();
  opened.push(
    () => server.close(),
    () => ended.abort(),
  );
  return {
    server,
    clock,
    /** What it says next, or an error's code; it may wait for that long. */
    async says(withinMs = 0): Promise<Partial<TargetOptions<DnsAddress>>[] | string> {
      const next = updates.next();
      await clock.advance(withinMs);
      const update: DiscoveryUpdate<DnsAddress> = (await next).value;
      if ("failed" in update) return (update.failed as { code: string }).code;
      return update.map(({ target: _, ...rest }) => rest);
    },
  };
}

const srv = (target: string, fields: { priority?: number; weight?: number; port?: number } = {}) =>
  ({ type: "SRV", priority: 0, weight: 1, port: 80, target, ttl: 30, ...fields }) as const;
const a = (data: string, ttl = 30) => ({ type: "A", data, ttl }) as const;

describe("the hosts of a service", () => {
  test("are targets with their ports, priorities in order from 0, and weights around 1", async () => {
    const { server, says } = await start();
    server.set("SRV", SERVICE, [
      srv("b.internal", { priority: 20, weight: 10, port: 8080 }),
      srv("a1.internal", { priority: 10, weight: 60 }),
      srv("a2.internal", { priority: 10, weight: 20 }),
    ]);
    server.set("A", "a1.internal", [a("10.0.0.1")]);
    server.set("A", "a2.internal", [a("10.0.0.2")]);
    server.set("A", "b.internal", [a("10.0.1.1")]);
    expect(await says()).toEqual([
      { id: "10.0.0.1:80", priority: 0, weight: 1.5 },
      { id: "10.0.0.2:80", priority: 0, weight: 0.5 },
      { id: "10.0.1.1:8080", priority: 1, weight: 1 },
    ]);
  });

  test("share their weight among their addresses", async () => {
    const { server, says } = await start();
    server.set("SRV", SERVICE, [srv("a.internal"), srv("b.internal")]);
    server.set("A", "a.internal", [a("10.0.0.1"), a("10.0.0.2")]);
    server.set("A", "b.internal", [a("10.0.0.3")]);
    expect(await says()).toEqual([
      { id: "10.0.0.1:80", priority: 0, weight: 0.75 },
      { id: "10.0.0.2:80", priority: 0, weight: 0.75 },
      { id: "10.0.0.3:80", priority: 0, weight: 1.5 },
    ]);
  });

  test("of weight 0 are chosen hardly ever, and evenly when all have it", async () => {
    const { server, says } = await start();
    server.set("A", "a.internal", [a("10.0.0.1")]);
    server.set("A", "b.internal", [a("10.0.0.2")]);
    server.set("SRV", SERVICE, [
      srv("a.internal", { weight: 0 }),
      srv("b.internal", { weight: 50 }),
    ]);
    expect(await says()).toEqual([
      { id: "10.0.0.1:80", priority: 0, weight: 0.01 },
      { id: "10.0.0.2:80", priority: 0, weight: 1 },
    ]);
    server.set("SRV", SERVICE, [
      srv("a.internal", { weight: 0 }),
      srv("b.internal", { weight: 0 }),
    ]);
    expect(await says(30_000)).toEqual([
      { id: "10.0.0.1:80", priority: 0, weight: 1 },
      { id: "10.0.0.2:80", priority: 0, weight: 1 },
    ]);
  });

  test("that are one address count once, where they are preferred", async () => {
    const { server, says } = await start();
    server.set("A", "a.internal", [a("10.0.0.1")]);
    server.set("A", "b.internal", [a("10.0.0.1")]);
    server.set("SRV", SERVICE, [
      srv("a.internal", { priority: 2 }),
      srv("b.internal", { priority: 1 }),
      srv("a.internal", { priority: 3 }),
      srv("a.internal", { priority: 1, port: 81, weight: 3 }),
      srv("b.internal", { priority: 1, port: 81, weight: 3 }),
    ]);
    expect(await says()).toEqual([
      { id: "10.0.0.1:80", priority: 0, weight: 1 / 3.5 },
      { id: "10.0.0.1:81", priority: 0, weight: 6 / 3.5 },
    ]);
  });

  test("are asked for again, with the service, when the shortest TTL is over", async () => {
    const { server, clock, says } = await start();
    server.set("SRV", SERVICE, [srv("a.internal"), srv("b.internal")]);
    server.set("A", "a.internal", [a("10.0.0.1", 40)]);
    server.set("A", "b.internal", [a("10.0.0.2", 7)]);
    await says();
    server.set("SRV", SERVICE, [srv("a.internal")]);
    expect(await says(7_000)).toEqual([{ id: "10.0.0.1:80", priority: 0, weight: 1 }]);
    expect(clock.monotonicNow()).toBe(7_000);
    expect(server.questions.slice(-2)).toEqual([`SRV ${SERVICE}`, "A a.internal"]);
  });

  test("keep their addresses while they cannot be looked up; those that are gone are left out", async () => {
    const { server, says } = await start();
    server.set("SRV", SERVICE, [srv("a.internal"), srv("b.internal"), srv("c.internal")]);
    server.set("A", "a.internal", [a("10.0.0.1")]);
    server.set("A", "b.internal", [a("10.0.0.2")]);
    server.set("A", "c.internal", [a("10.0.0.3")]);
    await says();
    server.set("A", "a.internal", "SERVFAIL");
    server.set("A", "b.internal", "NXDOMAIN");
    server.set("A", "c.internal", [a("10.0.0.4")]);
    expect(await says(30_000)).toMatchObject([{ id: "10.0.0.1:80" }, { id: "10.0.0.4:80" }]);
    expect(await says()).toBe("ESERVFAIL");
    server.set("A", "a.internal", [a("10.0.0.5")]);
    expect(await says(1_000)).toMatchObject([{ id: "10.0.0.4:80" }, { id: "10.0.0.5:80" }]);
  });
});

test("a host that was not listed for a while has no addresses from before", async () => {
  const { server, says } = await start();
  server.set("SRV", SERVICE, [srv("a.internal"), srv("b.internal")]);
  server.set("A", "a.internal", [a("10.0.0.1")]);
  server.set("A", "b.internal", [a("10.0.0.2")]);
  await says();
  server.set("SRV", SERVICE, [srv("a.internal")]);
  await says(30_000);
  server.set("SRV", SERVICE, [srv("a.internal"), srv("b.internal")]);
  server.set("A", "b.internal", "SERVFAIL");
  expect(await says(30_000)).toMatchObject([{ id: "10.0.0.1:80" }]);
  expect(await says()).toBe("ESERVFAIL");
});

describe("a service is not found out", () => {
  test.each([
    ["the name server says so", "SERVFAIL", "ESERVFAIL"],
    ["it has no records", [], "ENODATA"],
    ["it is unknown", "NXDOMAIN", "ENOTFOUND"],
    ["nobody answers", "silence", "ETIMEOUT"],
    ["it says that it is decidedly not offered", [srv(".", { port: 0 })], "ENODATA"],
    ["none of its hosts has an address", [srv("gone.internal")], "ENOTFOUND"],
  ] as const)("when %s, and comes back", async (_what, reply, code) => {
    const { server, says } = await start();
    server.set("SRV", SERVICE, reply);
    expect(await says()).toBe(code);
    server.set("SRV", SERVICE, [srv("a.internal")]);
    server.set("A", "a.internal", [a("10.0.0.1")]);
    expect(await says(1_000)).toEqual([{ id: "10.0.0.1:80", priority: 0, weight: 1 }]);
  });
});

test("whatever a name server says, the list may be used and keeps its order", async () => {
  const hostname = fc.constantFrom("a", "b", "c", "d", ".");
  const record: fc.Arbitrary<DnsServiceRecord> = fc.record({
    name: hostname,
    port: fc.integer({ min: 1, max: 3 }),
    priority: fc.integer({ min: 0, max: 65_535 }),
    weight: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 65_535 })),
  });
  const addresses = fc.array(fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3"));
  const zone = fc.dictionary(hostname, addresses);
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1 }), zone, async (records, hosts) => {
      const resolver = {
        resolve4: async (host: string): Promise<DnsAddressRecord[]> =>
          (hosts[host] ?? []).map((address) => ({ address, ttl: 5 })),
        resolve6: async () => [],
        resolveSrv: async () => records,
      };
      const discovery = srvTargets({ name: SERVICE, resolver, clock: createManualClock() });
      const { signal } = new AbortController();
      const { value } = await discovery(signal)[Symbol.asyncIterator]().next();
      if ("failed" in value) return;
      requireTargets(value);
      for (const { target, priority = 0, weight = 1 } of value) {
        const { port, hostname: name } = target;
        const written = records.filter((each) => each.name === name && each.port === port);
        expect(written.length).toBeGreaterThan(0);
        expect(priority).toBeLessThan(records.length);
        expect(weight).toBeGreaterThan(0);
      }
    }),
  );
});

test.each([
  [{ hostname: "users.internal" }, /unknown option "hostname"/],
  [{}, /name must be a non-empty string/],
  [{ name: SERVICE, maxTtlMs: 1 }, /maxTtlMs must be at least minTtlMs/],
])("%o is refused", (options, message) => {
  expect(() => srvTargets(options as SrvTargetsOptions)).toThrow(message);
});
