import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isHopByHop, isProtected, stripAnswerHeaders, stripRequestHeaders } from "./hop-by-hop.ts";

const bytes = (raw: readonly string[]): Buffer[] => raw.map((text) => Buffer.from(text, "latin1"));

const HOP_BY_HOP = [
  "Connection",
  "Keep-Alive",
  "Proxy-Connection",
  "Proxy-Authenticate",
  "Proxy-Authorization",
  "Proxy-Authentication-Info",
  "TE",
  "Trailer",
  "Transfer-Encoding",
  "Upgrade",
  "HTTP2-Settings",
];

describe("what is about one connection", () => {
  test.each(HOP_BY_HOP)("%s does not pass, in any case and either way", (name) => {
    for (const written of [name, name.toLowerCase(), name.toUpperCase()]) {
      expect(stripRequestHeaders([written, "x", "Accept", "*/*"])).toEqual(["Accept", "*/*"]);
      expect(stripAnswerHeaders([written, "x", "Age", "1"])).toEqual(["Age", "1"]);
      expect(stripAnswerHeaders(bytes([written, "x", "Age", "1"]))).toEqual(["Age", "1"]);
    }
  });

  test("names of the same length pass", () => {
    for (const name of HOP_BY_HOP) expect(isHopByHop("x".repeat(name.length))).toBe(false);
  });

  test("a request to talk h2c, or to become a WebSocket, arrives as a plain one", () => {
    const raw = [
      "Host",
      "app.example",
      "Connection",
      "Upgrade, HTTP2-Settings",
      "Upgrade",
      "h2c",
      "HTTP2-Settings",
      "AAMAAABkAAQAoAAAAAIAAAAA",
    ];
    expect(stripRequestHeaders(raw)).toEqual(["Host", "app.example"]);
  });

  test("Expect is answered here", () => {
    expect(stripRequestHeaders(["Expect", "100-continue", "Cookie", "a=1"])).toEqual([
      "Cookie",
      "a=1",
    ]);
  });
});

describe("TE", () => {
  test.each(["trailers", "Trailers", "gzip, trailers", " trailers\t,deflate;q=0.5"])(
    "%j stays as trailers",
    (value) => {
      expect(stripRequestHeaders(["TE", value, "Connection", "TE"])).toEqual(["te", "trailers"]);
    },
  );

  test.each(["gzip", "", "xtrailers", "trailers;q=1", "trailer"])("%j goes", (value) => {
    expect(stripRequestHeaders(["te", value])).toEqual([]);
  });

  test("is not what another header says", () => {
    expect(stripRequestHeaders(["Trailer", "trailers", "Connection", "trailers"])).toEqual([]);
  });

  test("said twice it is sent once", () => {
    expect(stripRequestHeaders(["TE", "trailers", "TE", "trailers"])).toEqual(["te", "trailers"]);
  });
});

describe("what Connection names", () => {
  test.each([
    ["X-Hop", ["X-Hop"]],
    ["x-hop", ["X-Hop"]],
    ["close, X-Hop", ["X-Hop"]],
    ["keep-alive,X-HOP,x-other", ["X-Hop", "X-Other"]],
    [" \t X-Hop\t ,, ,", ["X-Hop"]],
    ["Close", []],
    ["KEEP-ALIVE", []],
    ["", []],
    [",", []],
    ["X-Ho p", []],
    ["\u00a0X-Hop", []],
  ])("%j takes away %j", (value, gone) => {
    const raw = ["X-Hop", "1", "X-Other", "2", "X-Third", "3"];
    const left = raw.filter((_, index) => !gone.includes(raw[index & ~1] ?? ""));
    expect(stripRequestHeaders([...raw, "Connection", value])).toEqual(left);
    expect(stripAnswerHeaders(bytes(["Connection", value, ...raw]))).toEqual(left);
  });

  test("several Connection headers count together, and all of a name go", () => {
    const raw = ["Connection", "x-a", "X-A", "1", "connection", "x-b", "x-b", "2", "x-A", "3"];
    expect(stripRequestHeaders(raw)).toEqual([]);
  });

  test.each([
    "Host",
    "Content-Length",
    "Content-Type",
    "Content-Security-Policy",
    "Authorization",
    "Cookie",
    "Set-Cookie",
    "Cache-Control",
    "Via",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-F5-Auth-Token",
    "X-Authenticated-User",
    "X-CSRF-Token",
    "Origin",
    "Sec-Fetch-Site",
    "If-None-Match",
    "Range",
    "Location",
    "Strict-Transport-Security",
    "Access-Control-Allow-Origin",
    "Idempotency-Key",
    "Traceparent",
  ])("it cannot take away %s", (name) => {
    const raw = [name, "kept", "Connection", `close, ${name.toLowerCase()}`];
    expect(stripRequestHeaders(raw)).toEqual([name, "kept"]);
    expect(stripAnswerHeaders(bytes(raw))).toEqual([name, "kept"]);
    expect(isProtected(name.toLowerCase())).toBe(true);
  });
});

describe("answers", () => {
  test("repeated headers stay apart and in order", () => {
    const raw = ["Set-Cookie", "a=1", "X", "y", "Set-Cookie", "b=2"];
    expect(stripAnswerHeaders(bytes(raw))).toEqual(raw);
    expect(stripAnswerHeaders(["Set-Cookie", bytes(["a=1", "b=2"])])).toEqual([
      "Set-Cookie",
      "a=1",
      "Set-Cookie",
      "b=2",
    ]);
  });

  test("a length beside a transfer coding counts for nothing", () => {
    const before = ["Content-Length", "5", "Transfer-Encoding", "chunked", "X", "1"];
    const after = ["Transfer-Encoding", "chunked", "X", "1", "content-length", "5"];
    expect(stripAnswerHeaders(bytes(before))).toEqual(["X", "1"]);
    expect(stripAnswerHeaders(bytes(after))).toEqual(["X", "1"]);
  });

  test("bytes above ASCII keep their value", () => {
    expect(stripAnswerHeaders([Buffer.from("X"), Buffer.from([0xe9, 0xff])])).toEqual(["X", "éÿ"]);
  });
});

test("a filter takes further headers, by their name as it came", () => {
  const seen: string[] = [];
  const drop = (name: string): boolean => seen.push(name) > 0 && name === "Host";
  expect(stripRequestHeaders(["Host", "a", "Connection", "close", "X", "1"], drop)).toEqual([
    "X",
    "1",
  ]);
  expect(seen).toEqual(["Host", "X"]);
});

test("a last name without a value is no header", () => {
  expect(stripRequestHeaders(["A", "1", "B"])).toEqual(["A", "1"]);
});

describe("whatever is sent", () => {
  const someCase = (name: string): fc.Arbitrary<string> =>
    fc.constantFrom(name, name.toLowerCase(), name.toUpperCase());
  const names = fc.oneof(
    fc.constantFrom(...HOP_BY_HOP).chain(someCase),
    fc.constantFrom("Host", "Cookie", "X-Hop", "X-Other", "Via", "X-Auth").chain(someCase),
    fc.stringMatching(/^[a-z0-9-]{1,20}$/),
  );
  const blank = fc.constantFrom("", " ", "\t", " \t ");
  const options = fc
    .array(fc.tuple(blank, names, blank).map((parts) => parts.join("")))
    .map((list) => list.join(","));
  const headers = fc
    .array(fc.tuple(names, fc.oneof(options, fc.constantFrom("trailers", "chunked", "1"))))
    .map((pairs) => pairs.flat());

  const namesIn = (raw: readonly string[]): string[] =>
    raw.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());

  test("nothing hop-by-hop survives, but for te: trailers", () => {
    fc.assert(
      fc.property(headers, (raw) => {
        expect(
          stripAnswerHeaders(bytes(raw))
            .filter((_, i) => i % 2 === 0)
            .some(isHopByHop),
        ).toBe(false);
        const kept = stripRequestHeaders(raw);
        for (let index = 0; index < kept.length; index += 2) {
          if (isHopByHop(kept[index] ?? "")) {
            expect(kept.slice(index)).toEqual(["te", "trailers"]);
          }
        }
      }),
    );
  });

  test("what is protected and not hop-by-hop always survives", () => {
    fc.assert(
      fc.property(headers, (raw) => {
        const expected = namesIn(raw).filter(
          (name) => isProtected(name) && !isHopByHop(name) && name !== "content-length",
        );
        expect(namesIn(stripRequestHeaders(raw)).filter(isProtected)).toEqual(
          expected.filter((name) => name !== "expect"),
        );
        expect(namesIn(stripAnswerHeaders(raw)).filter(isProtected)).toEqual(expected);
      }),
    );
  });

  test("nothing that Connection names survives unless it is protected", () => {
    fc.assert(
      fc.property(headers, options, (raw, named) => {
        const kept = new Set(namesIn(stripRequestHeaders([...raw, "Connection", named])));
        for (const option of named.toLowerCase().split(",")) {
          const name = option.trim();
          if (name !== "te" && !isProtected(name)) expect(kept.has(name)).toBe(false);
        }
      }),
    );
  });

  test("doing it twice is doing it once, and bytes are as good as text", () => {
    fc.assert(
      fc.property(headers, (raw) => {
        const request = stripRequestHeaders(raw);
        expect(stripRequestHeaders(request)).toEqual(request);
        const answer = stripAnswerHeaders(raw);
        expect(stripAnswerHeaders(answer)).toEqual(answer);
        expect(stripAnswerHeaders(bytes(raw))).toEqual(answer);
      }),
    );
  });

  test("what is left comes in the order in which it came", () => {
    fc.assert(
      fc.property(headers, (raw) => {
        const kept = stripAnswerHeaders(raw);
        let from = 0;
        for (let index = 0; index < kept.length; index += 2) {
          while (raw[from] !== kept[index] || raw[from + 1] !== kept[index + 1]) {
            from += 2;
            expect(from).toBeLessThan(raw.length);
          }
          from += 2;
        }
      }),
    );
  });
});
