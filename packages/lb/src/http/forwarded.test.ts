import type { IncomingMessage } from "node:http";
import fc from "fast-check";
import proxyAddr from "proxy-addr";
import { describe, expect, test } from "vitest";
import {
  createForwarding,
  type Forwarding,
  type ForwardingOptions,
  type Inbound,
} from "./forwarded.ts";
import { stripRequestHeaders } from "./hop-by-hop.ts";

const inbound = (over: Partial<Inbound> = {}): Inbound => ({
  rawHeaders: ["Host", "app.example"],
  remoteAddress: "203.0.113.7",
  encrypted: false,
  localPort: 8080,
  httpVersion: "1.1",
  ...over,
});

/** What a proxy does with the two halves, as an object of the last value of each name. */
function sent(forwarding: Forwarding, from: Inbound): Record<string, string> {
  const headers = stripRequestHeaders(from.rawHeaders, forwarding.drops);
  forwarding.append(headers, from);
  const named: Record<string, string> = {};
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]?.toLowerCase() ?? "";
    expect(named[name]).toBeUndefined(); // each is said once
    named[name] = headers[index + 1] ?? "";
  }
  return named;
}

const forwardingOf = (options: ForwardingOptions = {}): Forwarding =>
  createForwarding({ pseudonym: "edge", ...options });

const SPOOFED = [
  "Host",
  "app.example",
  "X-Forwarded-For",
  "10.0.0.1",
  "x-forwarded-proto",
  "https",
  "X-Forwarded-Host",
  "evil.example",
  "X-Forwarded-Port",
  "443",
  "X-Forwarded-Prefix",
  "/x",
  "Forwarded",
  "for=10.0.0.1",
  "X-Real-IP",
  "10.0.0.1",
];

describe("a peer that is not trusted", () => {
  test("says nothing that counts", () => {
    expect(sent(forwardingOf(), inbound({ rawHeaders: SPOOFED }))).toEqual({
      "x-forwarded-for": "203.0.113.7",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "app.example",
      "x-forwarded-port": "8080",
      via: "1.1 edge",
    });
  });

  test("not with underscores, nor in capitals", () => {
    for (const name of ["X_Forwarded_For", "X-FORWARDED_FOR", "x-forwarded", "FORWARDED"]) {
      expect(forwardingOf().drops(name)).toBe(true);
    }
    for (const name of ["Accept", "Forward", "X-Frame-Options", "From", "Content-Type"]) {
      expect(forwardingOf().drops(name)).toBe(false);
    }
  });

  test("who is gone is unknown", () => {
    const gone = inbound({ remoteAddress: undefined, localPort: undefined, rawHeaders: [] });
    expect(sent(forwardingOf({ forwarded: true, trustProxy: true }), gone)).toEqual({
      "x-forwarded-for": "unknown",
      "x-forwarded-proto": "http",
      forwarded: "for=unknown;proto=http",
      via: "1.1 edge",
    });
  });
});

describe("a trusted peer", () => {
  const trusting = forwardingOf({ trustProxy: "203.0.113.0/24" });

  test("is believed, and comes after those it names", () => {
    expect(sent(trusting, inbound({ rawHeaders: SPOOFED }))).toEqual({
      "x-forwarded-for": "10.0.0.1, 203.0.113.7",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "evil.example",
      "x-forwarded-port": "443",
      "x-forwarded-prefix": "/x",
      forwarded: "for=10.0.0.1",
      "x-real-ip": "10.0.0.1",
      via: "1.1 edge",
    });
  });

  test("that says nothing is described like any other", () => {
    expect(sent(trusting, inbound({ encrypted: true, localPort: 443 }))).toEqual({
      "x-forwarded-for": "203.0.113.7",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "app.example",
      "x-forwarded-port": "443",
      via: "1.1 edge",
    });
  });

  test("may spread its list over several headers", () => {
    const rawHeaders = ["Host", "a", "X-Forwarded-For", "1.1.1.1", "x-forwarded-for", "2.2.2.2"];
    expect(sent(trusting, inbound({ rawHeaders }))["x-forwarded-for"]).toBe(
      "1.1.1.1, 2.2.2.2, 203.0.113.7",
    );
  });
});

describe("Forwarded (RFC 7239)", () => {
  const both = forwardingOf({ forwarded: true, trustProxy: "203.0.113.0/24" });

  test.each([
    ["192.0.2.1", "app.example", "for=192.0.2.1;host=app.example;proto=http"],
    ["2001:db8::1", "a:81", 'for="[2001:db8::1]";host="a:81";proto=http'],
    ["::ffff:192.0.2.1", "[::1]:81", 'for=192.0.2.1;host="[::1]:81";proto=http'],
  ])("%s asking for %s", (remoteAddress, host, value) => {
    const from = inbound({ remoteAddress, rawHeaders: ["Host", host, "Forwarded", "for=spoofed"] });
    expect(sent(both, from)["forwarded"]).toBe(value);
  });

  test("goes on from a trusted one, and says how we were asked", () => {
    const rawHeaders = ["Host", "inner", "Forwarded", "for=1.1.1.1", "X-Forwarded-Host", "outer"];
    expect(sent(both, inbound({ rawHeaders, encrypted: true }))["forwarded"]).toBe(
      "for=1.1.1.1, for=203.0.113.7;host=inner;proto=https",
    );
  });
});

describe("Host", () => {
  test("is the target's own unless it is to be kept", () => {
    expect(sent(forwardingOf(), inbound())["host"]).toBeUndefined();
    expect(sent(forwardingOf({ preserveHost: true }), inbound())["host"]).toBe("app.example");
  });
});

describe("Via", () => {
  test("is added to what is there, also to answers", () => {
    const headers = ["Via", "1.0 fred"];
    forwardingOf().append(headers, inbound({ httpVersion: "1.0" }));
    expect(headers.slice(0, 2)).toEqual(["Via", "1.0 fred"]);
    expect(headers.slice(-2)).toEqual(["via", "1.0 edge"]);
    const answer = ["Content-Type", "text/plain"];
    forwardingOf().appendAnswerVia(answer, "2");
    expect(answer).toEqual(["Content-Type", "text/plain", "via", "2 edge"]);
  });

  test.each([
    ["1.1 edge", true],
    ["1.0 fred, 1.1\tedge (Headroom)", true],
    ["HTTP/1.1  edge", true],
    ["1.1 edge2", false],
    ["1.1 Edge", false],
    ["edge", false],
    ["1.1 a (edge)", false],
    ["", false],
  ])("%j has passed here: %s", (value, loops) => {
    expect(forwardingOf().loops(["Host", "edge", "VIA", value])).toBe(loops);
    expect(forwardingOf().loops(["via", "1.1 other", "via", value])).toBe(loops);
  });

  test("what we send would be recognised when it came back, by us alone", () => {
    const ours = createForwarding();
    const headers: string[] = [];
    ours.append(headers, inbound());
    expect(ours.loops(headers)).toBe(true);
    expect(createForwarding().loops(headers)).toBe(false);
  });
});

describe("the client's address", () => {
  const addresses = fc.constantFrom(
    "127.0.0.1",
    "::1",
    "10.0.0.1",
    "10.9.9.9",
    "192.168.1.1",
    "203.0.113.5",
    "2001:db8::1",
    "nonsense",
  );
  const rules = fc.constantFrom<boolean | number | string | string[]>(
    false,
    true,
    0,
    1,
    2,
    "loopback",
    "loopback, 10.0.0.0/8",
    ["uniquelocal", "2001:db8::/32"],
  );

  const commas = fc.constantFrom(",", ", ", " , ");

  test("is what Express takes for it", () => {
    const lists = fc.array(addresses, { maxLength: 4 });
    fc.assert(
      fc.property(lists, addresses, rules, commas, (before, peer, rule, comma) => {
        const rawHeaders = before.length === 0 ? [] : ["X-Forwarded-For", before.join(comma)];
        const ours = forwardingOf({ trustProxy: rule }).clientAddress(
          inbound({ remoteAddress: peer, rawHeaders }),
        );
        expect(ours).toBe(expressAddress(before, peer, rule));
      }),
      { numRuns: 1_000 },
    );
  });

  /** Express 5, `lib/request.js` (`ip`) and `lib/utils.js` (`compileTrust`). */
  function expressAddress(
    before: readonly string[],
    peer: string,
    rule: boolean | number | string | string[],
  ): string {
    const request = {
      headers: before.length === 0 ? {} : { "x-forwarded-for": before.join(", ") },
      socket: { remoteAddress: peer },
    } as unknown as IncomingMessage;
    if (rule === true) return proxyAddr(request, () => true);
    if (rule === false) return proxyAddr(request, () => false);
    if (typeof rule === "number") return proxyAddr(request, (_, hop) => hop < rule);
    const ranges = typeof rule === "string" ? rule.split(/ *, */) : rule;
    return proxyAddr(request, proxyAddr.compile(ranges));
  }

  test("an IPv4 address mapped into IPv6 is an IPv4 address", () => {
    const from = inbound({ remoteAddress: "::ffff:192.0.2.1" });
    expect(forwardingOf().clientAddress(from)).toBe("192.0.2.1");
    expect(sent(forwardingOf(), from)["x-forwarded-for"]).toBe("192.0.2.1");
    expect(forwardingOf().clientAddress(inbound({ remoteAddress: "::ffff:1" }))).toBe("::ffff:1");
  });

  test("is looked for no further than where the list is broken", () => {
    const everybody = forwardingOf({ trustProxy: true });
    for (const value of ["1.1.1.1, , 2.2.2.2", "1.1.1.1,\t,2.2.2.2", ",2.2.2.2"]) {
      const from = inbound({ rawHeaders: ["X-Forwarded-For", value] });
      expect(everybody.clientAddress(from)).toBe("2.2.2.2");
    }
  });

  test("of a connection that is gone is not known", () => {
    const from = inbound({ remoteAddress: undefined, rawHeaders: ["X-Forwarded-For", "1.1.1.1"] });
    expect(forwardingOf({ trustProxy: true }).clientAddress(from)).toBeUndefined();
  });
});

describe("options", () => {
  test("a wrong one is named at once", () => {
    // @ts-expect-error: misspelt
    expect(() => createForwarding({ trustProxies: true })).toThrow('did you mean "trustProxy"?');
    expect(() => createForwarding({ trustProxy: "10.0.0" })).toThrow(/trustProxy/);
    expect(() => createForwarding({ pseudonym: "two words" })).toThrow(/pseudonym/);
    expect(() => createForwarding({ pseudonym: "" })).toThrow(/pseudonym/);
  });

  test("the pseudonym differs between processes", () => {
    const pseudonyms = new Set(Array.from({ length: 50 }, () => createForwarding().pseudonym));
    expect(pseudonyms.size).toBe(50);
    expect([...pseudonyms][0]).toMatch(/^headroom-[0-9a-f]{8}$/);
  });
});

test("whatever an untrusted peer sends, the target hears of no one but the peer", () => {
  const names = fc.constantFrom(
    "X-Forwarded-For",
    "x_forwarded_for",
    "Forwarded",
    "X-REAL-IP",
    "X",
  );
  const headers = fc.array(fc.tuple(names, fc.constantFrom("6.6.6.6", "for=6.6.6.6")));
  fc.assert(
    fc.property(headers, (pairs) => {
      const from = inbound({ rawHeaders: ["Host", "app.example", ...pairs.flat()] });
      const out = stripRequestHeaders(from.rawHeaders, forwardingOf({ forwarded: true }).drops);
      forwardingOf({ forwarded: true }).append(out, from);
      const about = out.filter((_, index) => out[index & ~1] !== "X").join(" ");
      expect(about).not.toContain("6.6.6.6");
    }),
  );
});
