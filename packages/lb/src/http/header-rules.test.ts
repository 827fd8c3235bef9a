import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DEFAULT_HEADER_LIMITS,
  headerLimits,
  refuseAnswerHeaders,
  refuseRequestHeaders,
} from "./header-rules.ts";

const HOST = ["Host", "app.example"];
const bytes = (raw: readonly string[]): Buffer[] => raw.map((text) => Buffer.from(text, "latin1"));
const reasonOf = (raw: readonly string[], minor = 1): string | undefined =>
  refuseRequestHeaders(raw, minor)?.reason;

describe("Host", () => {
  test("that is none is refused", () => {
    expect(refuseRequestHeaders(["Host", "user@evil"], 1)).toMatchObject({
      reason: "host-invalid",
      statusCode: 400,
    });
  });

  test("is there exactly once; HTTP/1.0 may do without", () => {
    expect(refuseRequestHeaders([], 1)).toMatchObject({ reason: "host-missing", statusCode: 400 });
    expect(reasonOf([], 0)).toBeUndefined();
    expect(reasonOf([...HOST, "host", "app.example"])).toBe("host-repeated");
    expect(reasonOf(["Host", "", "Host", "a"])).toBe("host-repeated");
    expect(reasonOf([...HOST, ...HOST], 0)).toBe("host-repeated");
  });

  test("a value that reads like a name is none", () => {
    expect(reasonOf(["Host", "host", "X-A", "host"])).toBeUndefined();
  });
});

describe("where the body ends", () => {
  test.each(["0", "5", "007", "999999999999999"])("Content-Length %j is clear", (length) => {
    expect(reasonOf([...HOST, "Content-Length", length])).toBeUndefined();
  });

  test.each(["", "+5", "-1", "5,5", "5, 5", "0x5", "5 ", " 5", "1e3", "٥", "9999999999999999"])(
    "Content-Length %j is not",
    (length) => {
      expect(reasonOf([...HOST, "content-length", length])).toBe("length-invalid");
    },
  );

  test("neither are two of them, even if equal", () => {
    const twice = [...HOST, "Content-Length", "5", "content-length", "5"];
    expect(reasonOf(twice)).toBe("length-repeated");
  });

  test("nor a length beside a transfer coding", () => {
    const both = ["Content-Length", "5", "Transfer-Encoding", "chunked"];
    expect(reasonOf([...HOST, ...both])).toBe("length-and-chunked");
    expect(reasonOf([...both.slice(2), ...both.slice(0, 2), ...HOST])).toBe("length-and-chunked");
  });

  test("chunked is understood, once, over HTTP/1.1", () => {
    expect(reasonOf([...HOST, "Transfer-Encoding", "chunked"])).toBeUndefined();
    expect(reasonOf([...HOST, "transfer-encoding", "Chunked"])).toBeUndefined();
    const twice = [...HOST, "Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"];
    expect(refuseRequestHeaders(twice, 1)).toMatchObject({
      reason: "transfer-coding",
      statusCode: 501,
    });
    expect(reasonOf([...HOST, "Transfer-Encoding", "chunked"], 0)).toBe("transfer-coding");
  });

  test.each(["", "xchunked", " chunked", "chunked ", "chunked,", "gzip, chunked", "identity"])(
    "transfer coding %j is not",
    (coding) => {
      expect(reasonOf([...HOST, "Transfer-Encoding", coding])).toBe("transfer-coding");
    },
  );

  test("headers with names as long as these are no concern", () => {
    const others = ["x".repeat(4), "a", "x".repeat(14), "b", "x".repeat(17), "c"];
    expect(reasonOf([...HOST, ...others, ...others])).toBeUndefined();
  });
});

describe("limits", () => {
  const many = (count: number): string[] => [
    ...HOST,
    ...Array.from({ length: count - 1 }, () => ["X", ""]).flat(),
  ];

  test("100 headers are enough, 101 are 431", () => {
    expect(reasonOf(many(100))).toBeUndefined();
    expect(refuseRequestHeaders(many(101), 1)).toMatchObject({
      reason: "too-many-headers",
      statusCode: 431,
    });
  });

  test("so are 16 KiB, a byte more is 431", () => {
    const used = "Host".length + "app.example".length + 4 + "X".length + 4;
    expect(reasonOf([...HOST, "X", "v".repeat(16_384 - used)])).toBeUndefined();
    expect(refuseRequestHeaders([...HOST, "X", "v".repeat(16_385 - used)], 1)).toMatchObject({
      reason: "headers-too-large",
      statusCode: 431,
    });
  });

  test("are options, checked where they are given", () => {
    expect(headerLimits()).toEqual(DEFAULT_HEADER_LIMITS);
    const limits = headerLimits({ maxHeaders: 1, maxHeaderBytes: 20 });
    expect(refuseRequestHeaders(HOST, 1, limits)).toBeUndefined();
    expect(refuseRequestHeaders(many(2), 1, limits)?.reason).toBe("too-many-headers");
    expect(refuseRequestHeaders(["Host", "a".repeat(20)], 1, limits)?.reason).toBe(
      "headers-too-large",
    );
    expect(() => headerLimits({ maxHeaders: 0 })).toThrow(RangeError);
    expect(() => headerLimits({ maxHeaderBytes: 1.5 })).toThrow(RangeError);
    // @ts-expect-error: misspelt
    expect(() => headerLimits({ maxHeader: 5 })).toThrow('did you mean "maxHeaders"?');
  });
});

test("whatever passes has one host and one idea of its length", () => {
  const names = fc.constantFrom("Host", "HOST", "Content-Length", "Transfer-Encoding", "Cookie");
  const values = fc.constantFrom("a", "a:1", "5", "chunked", "Chunked", "", "5,5", "a b");
  const headers = fc.array(fc.tuple(names, values), { maxLength: 6 }).map((pairs) => pairs.flat());
  fc.assert(
    fc.property(headers, fc.constantFrom(0, 1), (raw, minor) => {
      if (refuseRequestHeaders(raw, minor) !== undefined) return;
      const count = (name: string): number =>
        raw.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length;
      expect(count("host")).toBeLessThanOrEqual(1);
      expect(count("host")).toBeGreaterThanOrEqual(minor);
      expect(count("content-length") + count("transfer-encoding")).toBeLessThanOrEqual(1);
    }),
    { numRuns: 1_000 },
  );
});

describe("answers", () => {
  test.each([
    ["plain", ["Content-Type", "text/html; charset=utf-8", "X-A", ""]],
    ["with a tab", ["X-A", "a\tb"]],
    ["above ASCII", ["X-A", "caf\u00e9\u0080\u00ff"]],
    ["chunked", ["Transfer-Encoding", "chunked"]],
    ["every token character", ["!#$%&'*+-.^_`|~09azAZ", "x"]],
  ])("%s is passed on", (_, raw) => {
    expect(refuseAnswerHeaders(raw)).toBeUndefined();
    expect(refuseAnswerHeaders(bytes(raw))).toBeUndefined();
  });

  test.each([
    ["a line break", ["X-A", "a\r\nSet-Cookie: b=1"]],
    ["CR", ["X-A", "a\rb"]],
    ["LF", ["X-A", "a\nb"]],
    ["NUL", ["X-A", "a\0"]],
    ["DEL", ["X-A", "\x7f"]],
    ["a space in a name", ["X A", "a"]],
    ["a colon in a name", ["X:A", "a"]],
    ["no name", ["", "a"]],
    ["a name above ASCII", ["\u00e9", "a"]],
    ["in the last of them", ["X-A", "a", "X-B", "a\n"]],
  ])("%s is a bad answer", (_, raw) => {
    const refusal = { reason: "answer-header", statusCode: 502 };
    expect(refuseAnswerHeaders(raw)).toMatchObject(refusal);
    expect(refuseAnswerHeaders(bytes(raw))).toMatchObject(refusal);
  });

  test("text that is no latin1 cannot have come from the wire", () => {
    expect(refuseAnswerHeaders(["X-A", "\u0100"])?.reason).toBe("answer-header");
    expect(refuseAnswerHeaders(["X-A", "\u010a"])?.reason).toBe("answer-header");
  });

  test("each of a list is looked at", () => {
    expect(refuseAnswerHeaders([Buffer.from("X"), bytes(["a", "b"])])).toBeUndefined();
    expect(refuseAnswerHeaders([Buffer.from("X"), bytes(["a", "\n"])])?.statusCode).toBe(502);
    expect(refuseAnswerHeaders([bytes(["X"]), Buffer.from("a")])?.statusCode).toBe(502);
  });

  test.each(["gzip, chunked", "chunked, gzip", "xchunked"])("coding %j is nobody's", (coding) => {
    expect(refuseAnswerHeaders(["Transfer-Encoding", coding])).toMatchObject({
      reason: "transfer-coding",
      statusCode: 502,
    });
    expect(refuseAnswerHeaders(bytes(["transfer-encoding", coding]))?.statusCode).toBe(502);
  });
});
