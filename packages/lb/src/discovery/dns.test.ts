import { Resolver } from "node:dns/promises";
import { lbDiscovery } from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { afterEach, describe, expect, test } from "vitest";
import { DnsServer } from "../../test/dns-server.ts";
import { createBalancer } from "../balancer.ts";
import type { DiscoveryUpdate } from "../discovery.ts";
import { SUCCESS } from "../outcome.ts";
import { type DnsTargetsOptions, dnsTargets } from "./dns.ts";
import type { DnsAddress } from "./dns-options.ts";

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** A name server, and a discovery that asks it on a clock that the test moves. */
async function start(options: Partial<DnsTargetsOptions> = {}) {
  const server = await DnsServer.start();
  const resolver = new Resolver({ timeout: 100, tries: 1 });
  resolver.setServers([server.address]);
  const clock = createManualClock();
  const ended = new AbortController();
  const discovery = dnsTargets({
    hostname: "api.internal",
    port: 80,
    resolver,
    clock,
    random: () => 0,
    ...options,
  });
  const updates = discovery(ended.signal)[Symbol.asyncIterator]();
  opened.push(
    () => server.close(),
    () => ended.abort(),
  );
  return {
    server,
    clock,
    /** What it says next, ids or an error's code; it may wait for that long. */
    async says(withinMs = 0): Promise<string[] | string> {
      const next = updates.next();
      await clock.advance(withinMs);
      const { value, done } = await next;
      return done ? "the end" : shown(value);
    },
  };
}

function shown(update: DiscoveryUpdate<DnsAddress>): string[] | string {
  if (!("failed" in update)) return update.map(({ id }) => id);
  const { code } = update.failed as { code?: string };
  return code ?? String(update.failed);
}

const a = (data: string, ttl = 30) => ({ type: "A", data, ttl }) as const;
const aaaa = (data: string, ttl = 30) => ({ type: "AAAA", data, ttl }) as const;

describe("the addresses of a name", () => {
  test("are targets, by address and port, in one order", async () => {
    const { server, says } = await start();
    server.set("A", "api.internal", [a("10.0.0.2"), a("10.0.0.1")]);
    expect(await says()).toEqual(["10.0.0.1:80", "10.0.0.2:80"]);
    server.set("A", "api.internal", [a("10.0.0.1"), a("10.0.0.2")]);
    expect(await says(30_000)).toEqual(["10.0.0.1:80", "10.0.0.2:80"]);
  });

  test("know the name that they were found under, for the Host header and TLS", async () => {
    const server = await DnsServer.start();
    opened.push(() => server.close());
    server.set("A", "api.internal", [a("10.0.0.1")]);
    const resolver = new Resolver();
    resolver.setServers([server.address]);
    const ended = new AbortController();
    const discovery = dnsTargets({ hostname: "api.internal", port: 8443, resolver });
    const { value } = await discovery(ended.signal)[Symbol.asyncIterator]().next();
    ended.abort();
    expect(value).toEqual([
      {
        id: "10.0.0.1:8443",
        target: { hostname: "api.internal", address: "10.0.0.1", port: 8443 },
      },
    ]);
  });

  test("may be of IPv6, or of both families", async () => {
    const { server, says } = await start({ family: "both" });
    server.set("A", "api.internal", [a("10.0.0.1")]);
    server.set("AAAA", "api.internal", [aaaa("2001:db8::1"), aaaa("::1")]);
    expect(await says()).toEqual(["10.0.0.1:80", "[2001:db8::1]:80", "[::1]:80"]);
    expect(server.questions.sort()).toEqual(["A api.internal", "AAAA api.internal"]);
  });

  test("are asked for again after their TTL, whatever it is then", async () => {
    const { server, clock, says } = await start();
    server.set("A", "api.internal", [a("10.0.0.1", 5)]);
    expect(await says()).toEqual(["10.0.0.1:80"]);
    server.set("A", "api.internal", [a("10.0.0.2", 20), a("10.0.0.3", 10)]);
    expect(await says(5_000)).toEqual(["10.0.0.2:80", "10.0.0.3:80"]);
    await says(10_000);
    expect(clock.monotonicNow()).toBe(15_000);
    expect(server.questions).toHaveLength(3);
  });
});

describe("a look-up that fails", () => {
  test("is reported, is tried again with backoff, and recovers", async () => {
    const { server, clock, says } = await start();
    server.set("A", "api.internal", [a("10.0.0.1")]);
    expect(await says()).toEqual(["10.0.0.1:80"]);
    server.set("A", "api.internal", "SERVFAIL");
    expect(await says(30_000)).toBe("ESERVFAIL");
    // With `random` 0 the backoff is always its base, the shortest TTL.
    server.set("A", "api.internal", "NXDOMAIN");
    expect(await says(1_000)).toBe("ENOTFOUND");
    server.set("A", "api.internal", []);
    expect(await says(1_000)).toBe("ENODATA");
    server.set("A", "api.internal", "silence");
    expect(await says(1_000)).toBe("ETIMEOUT");
    server.set("A", "api.internal", [a("10.0.0.2")]);
    expect(await says(1_000)).toEqual(["10.0.0.2:80"]);
    expect(clock.monotonicNow()).toBe(34_000);
  });

  test("fails when its time is over, also when the resolver would wait longer", async () => {
    const resolver = new Resolver({ timeout: 60_000, tries: 1 });
    opened.push(() => resolver.cancel());
    const { server, says } = await start({ resolver, timeoutMs: 500 });
    resolver.setServers([server.address]);
    server.set("A", "api.internal", "silence");
    expect(await says(500)).toBe("DEADLINE_EXCEEDED");
  });

  test("of one family leaves the addresses that are known of it", async () => {
    const { server, says } = await start({ family: "both" });
    server.set("A", "api.internal", [a("10.0.0.1")]);
    server.set("AAAA", "api.internal", [aaaa("2001:db8::1")]);
    expect(await says()).toEqual(["10.0.0.1:80", "[2001:db8::1]:80"]);
    server.set("A", "api.internal", [a("10.0.0.2")]);
    server.set("AAAA", "api.internal", "SERVFAIL");
    expect(await says(30_000)).toEqual(["10.0.0.2:80", "[2001:db8::1]:80"]);
    expect(await says()).toBe("ESERVFAIL");
    server.set("AAAA", "api.internal", []);
    expect(await says(1_000)).toEqual(["10.0.0.2:80"]);
  });

  test("when the name server itself is gone is a failure like any other", async () => {
    const { server, says } = await start();
    server.set("A", "api.internal", [a("10.0.0.1")]);
    expect(await says()).toEqual(["10.0.0.1:80"]);
    opened.shift();
    await server.close();
    expect(await says(30_000)).toMatch(/ECONNREFUSED|ETIMEOUT/);
  });
});

test("a balancer keeps what it knows of targets that stay, and all of them when DNS fails", async () => {
  const server = await DnsServer.start();
  const resolver = new Resolver({ timeout: 100, tries: 1 });
  resolver.setServers([server.address]);
  const clock = createManualClock();
  server.set("A", "api.internal", [a("10.0.0.1"), a("10.0.0.2")]);
  const discovery = { hostname: "api.internal", port: 80, resolver, clock, random: () => 0 };
  const name = "of this test";
  const balancer = createBalancer({ name, targets: dnsTargets(discovery), clock });
  const failures: string[] = [];
  opened.push(
    () => server.close(),
    () => balancer.close(),
    lbDiscovery.subscribe(({ pool, code }) => void (pool === name && failures.push(code))),
  );
  const requests = () => balancer.stats().targets.map(({ id, requests }) => `${id} ${requests}`);
  await balancer.ready();
  for (const prefer of ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:80"]) {
    balancer.pick({ prefer }).done(SUCCESS);
  }
  server.set("A", "api.internal", [a("10.0.0.2"), a("10.0.0.3")]);
  await clock.advance(30_000);
  await expect.poll(requests).toEqual(["10.0.0.2:80 2", "10.0.0.3:80 0"]);
  server.set("A", "api.internal", "NXDOMAIN");
  await clock.advance(30_000);
  await expect.poll(() => failures).toEqual(["ENOTFOUND"]);
  await clock.advance(1_000);
  await expect.poll(() => failures).toEqual(["ENOTFOUND", "ENOTFOUND"]);
  expect(requests()).toEqual(["10.0.0.2:80 2", "10.0.0.3:80 0"]);
});

test("an address is its own target for ever, and nobody is asked", async () => {
  const { server, says } = await start({ hostname: "[::1]" });
  expect(await says()).toEqual(["[::1]:80"]);
  expect(await says()).toBe("the end");
  expect(server.questions).toEqual([]);
});

test("/etc/hosts is not read: localhost is for the name server to know", async () => {
  const { server, says } = await start({ hostname: "localhost" });
  expect(await says()).toBe("ENOTFOUND");
  server.set("A", "localhost", [a("127.0.0.1")]);
  expect(await says(1_000)).toEqual(["127.0.0.1:80"]);
});

test.each([
  [{ hostnam: "api.internal", port: 80 }, /unknown option "hostnam", did you mean "hostname"/],
  [{ hostname: "", port: 80 }, /hostname must be a non-empty string/],
  [{ hostname: "api.internal" }, /port must be an integer/],
  [{ hostname: "api.internal", port: 0 }, /port must be an integer of at least 1/],
  [{ hostname: "api.internal", port: 65_536 }, /port must be at most 65535, got 65536/],
  [{ hostname: "api.internal", port: 80, minIntervalMs: 1 }, /unknown option "minIntervalMs"/],
  [{ hostname: "api.internal", port: 80, family: 5 }, /family must be 4, 6 or "both", got 5/],
])("%o is refused", (options, message) => {
  expect(() => dnsTargets(options as DnsTargetsOptions)).toThrow(message);
});
