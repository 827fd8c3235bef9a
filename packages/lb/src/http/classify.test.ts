import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { HeadroomError } from "@headroom/core/errors";
import fc from "fast-check";
import { Client, errors } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import { LbError } from "../errors.ts";
import { ABANDONED, FAILED, REFUSED, SUCCESS } from "../outcome.ts";
import {
  type AttemptFailure,
  classifyError,
  classifyStatus,
  type ErrorFacts,
  type FailureReason,
  statusFailure,
} from "./classify.ts";

const NOW_MS = Date.UTC(2026, 0, 1);

describe("statuses", () => {
  test.each([200, 201, 204, 206, 301, 304, 400, 401, 403, 404, 408, 409, 421, 428, 431, 451])(
    "%d is an answer",
    (status) => {
      expect(classifyStatus(status, [], NOW_MS)).toBe(SUCCESS);
    },
  );

  test.each([501, 505, 507, 511, 520, 599])("%d is one too: it is the same anywhere", (status) => {
    expect(classifyStatus(status, [], NOW_MS)).toBe(SUCCESS);
  });

  test.each([500, 502, 503, 504])("%d is a failure", (status) => {
    expect(classifyStatus(status, [], NOW_MS)).toBe(FAILED);
  });

  test("429 is throttled", () => {
    expect(classifyStatus(429, [], NOW_MS)).toEqual({ type: "throttled", retryAfterMs: undefined });
  });

  test("Retry-After counts for 429 and 503, as seconds or date, text or bytes", () => {
    const seconds = ["Retry-After", "7"];
    const date = [Buffer.from("retry-after"), Buffer.from(new Date(NOW_MS + 9_000).toUTCString())];
    expect(classifyStatus(429, seconds, NOW_MS)).toEqual({
      type: "throttled",
      retryAfterMs: 7_000,
    });
    expect(classifyStatus(503, date, NOW_MS)).toEqual({ ...FAILED, retryAfterMs: 9_000 });
    expect(classifyStatus(500, seconds, NOW_MS)).toBe(FAILED);
    expect(classifyStatus(503, ["Retry-After", "soon"], NOW_MS)).toBe(FAILED);
  });

  test("a failed status may have taken effect", () => {
    expect(statusFailure(FAILED)).toEqual({ reason: "status", outcome: FAILED, sent: "maybe" });
  });
});

const errno = (code: string, syscall = "read"): Error =>
  Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
const coded = (code: string): Error => Object.assign(new Error(code), { code });

const SENT: ErrorFacts = { requestStarted: true, answerStarted: false, abandoned: false };
const UNSENT: ErrorFacts = { ...SENT, requestStarted: false };

describe("errors before anything was sent", () => {
  test.each<[Error, FailureReason, AttemptFailure["outcome"]]>([
    [errno("ECONNREFUSED", "connect"), "refused", REFUSED],
    [errno("ENOENT", "connect"), "refused", REFUSED],
    [errno("EHOSTUNREACH", "connect"), "unreachable", FAILED],
    [errno("ENETUNREACH", "connect"), "unreachable", FAILED],
    [errno("ENOTFOUND", "getaddrinfo"), "unreachable", FAILED],
    [errno("EAI_AGAIN", "getaddrinfo"), "unreachable", FAILED],
    [errno("ETIMEDOUT", "connect"), "unreachable", FAILED],
    [errno("EHOSTDOWN", "connect"), "unreachable", FAILED],
    [errno("ECONNRESET"), "unreachable", FAILED],
    [new errors.ConnectTimeoutError("late"), "unreachable", FAILED],
    [new errors.SocketError("other side closed"), "unreachable", FAILED],
    [new AggregateError([errno("ECONNREFUSED")], ""), "refused", REFUSED],
    [Object.assign(new AggregateError([]), { code: "ECONNREFUSED" }), "refused", REFUSED],
    [coded("ERR_TLS_CERT_ALTNAME_INVALID"), "tls", FAILED],
    [coded("ERR_SSL_WRONG_VERSION_NUMBER"), "tls", FAILED],
    [coded("CERT_HAS_EXPIRED"), "tls", FAILED],
    [coded("DEPTH_ZERO_SELF_SIGNED_CERT"), "tls", FAILED],
    [coded("SELF_SIGNED_CERT_IN_CHAIN"), "tls", FAILED],
    [coded("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "tls", FAILED],
    [errno("EPROTO", "write"), "tls", FAILED],
    [new errors.ClientClosedError(), "closed", ABANDONED],
    [new errors.ClientDestroyedError(), "closed", ABANDONED],
    [errno("EMFILE", "connect"), "local", ABANDONED],
    [errno("EADDRNOTAVAIL", "connect"), "local", ABANDONED],
    [new errors.InvalidArgumentError("invalid header"), "caller", ABANDONED],
    [new errors.NotSupportedError("expect"), "caller", ABANDONED],
    [new errors.RequestContentLengthMismatchError(), "caller", ABANDONED],
    [new errors.RequestAbortedError(), "aborted", ABANDONED],
    [new LbError("LB_TIMEOUT", "too slow", { pool: "p" }), "unreachable", FAILED],
  ])("%s", (error, reason, outcome) => {
    expect(classifyError(error, UNSENT)).toEqual({ reason, outcome, sent: "no" });
  });
});

describe("errors after it may have been sent", () => {
  test.each<[unknown, FailureReason, AttemptFailure["outcome"]]>([
    [errno("ECONNRESET"), "reset", FAILED],
    [errno("EPIPE", "write"), "reset", FAILED],
    [errno("ENOTCONN"), "reset", FAILED],
    [errno("ETIMEDOUT"), "timeout", FAILED],
    [new errors.SocketError("other side closed"), "reset", FAILED],
    [new errors.InformationalError("HTTP/2: stream half-closed (remote)"), "reset", FAILED],
    [coded("ERR_HTTP2_STREAM_ERROR"), "reset", FAILED],
    [new errors.HeadersTimeoutError(), "timeout", FAILED],
    [new errors.BodyTimeoutError(), "timeout", FAILED],
    [new LbError("LB_TIMEOUT", "too slow", { pool: "p" }), "timeout", FAILED],
    [coded("HPE_INVALID_METHOD"), "bad-answer", FAILED],
    [new errors.HTTPParserError("bad"), "bad-answer", FAILED],
    [new errors.ResponseContentLengthMismatchError(), "bad-answer", FAILED],
    [new errors.ResponseExceededMaxSizeError(), "too-large", ABANDONED],
    [new errors.HeadersOverflowError(), "too-large", ABANDONED],
    [new errors.ClientDestroyedError(), "closed", ABANDONED],
    [new errors.RequestAbortedError(), "aborted", ABANDONED],
    [new DOMException("gone", "AbortError"), "aborted", ABANDONED],
    [AbortSignal.abort().reason, "aborted", ABANDONED],
    [new DOMException("late", "TimeoutError"), "aborted", ABANDONED],
    [Object.assign(new Error("aborted"), { code: "ABORT_ERR" }), "aborted", ABANDONED],
    [new TypeError("a bug in a handler"), "unknown", ABANDONED],
    [new HeadroomError("CACHE_FULL", "not ours"), "unknown", ABANDONED],
    [coded("MY_OWN"), "unknown", ABANDONED],
    ["text", "unknown", ABANDONED],
    [undefined, "unknown", ABANDONED],
    [null, "unknown", ABANDONED],
  ])("%s", (error, reason, outcome) => {
    expect(classifyError(error, SENT)).toEqual({ reason, outcome, sent: "maybe" });
  });

  test("a client that has left is to blame for whatever came of it", () => {
    for (const error of [errno("ECONNRESET"), new errors.SocketError("closed"), "text"]) {
      expect(classifyError(error, { ...SENT, abandoned: true })).toEqual({
        reason: "aborted",
        outcome: ABANDONED,
        sent: "maybe",
      });
    }
  });

  test.each([
    "Stream closed with error code NGHTTP2_REFUSED_STREAM",
    'HTTP/2: "stream error" received - code 7',
  ])("%s is a promise that nothing was done", (message) => {
    const error = Object.assign(new Error(message), { code: "ERR_HTTP2_STREAM_ERROR" });
    expect(classifyError(error, SENT)).toMatchObject({ outcome: FAILED, sent: "no" });
  });

  test("of another stream error it is not", () => {
    const error = new errors.InformationalError('HTTP/2: "stream error" received - code 8');
    expect(classifyError(error, SENT).sent).toBe("maybe");
  });
});

describe("a kept connection that turned out closed", () => {
  const socket = { bytesRead: 124 } as unknown as errors.SocketError["socket"];
  const kept = Object.assign(new errors.SocketError("other side closed"), { socket });

  test("is told from a broken one", () => {
    expect(classifyError(kept, SENT)).toEqual({
      reason: "stale-socket",
      outcome: FAILED,
      sent: "maybe",
    });
  });

  test("but not once an answer has begun", () => {
    expect(classifyError(kept, { ...SENT, answerStarted: true }).reason).toBe("reset");
  });

  test("nor is a timeout on it one", () => {
    const late = Object.assign(new errors.HeadersTimeoutError(), { socket });
    expect(classifyError(late, SENT).reason).toBe("timeout");
  });
});

test("whatever the error, what was not started was not sent, and who left blames nobody", () => {
  const errorsOfAnyKind = fc.oneof(
    fc.constantFrom("UND_ERR_SOCKET", "ECONNREFUSED", "HPE_X", "UND_ERR_NEW").map(coded),
    fc.constantFrom("ECONNRESET", "EWHATEVER").map((code) => errno(code)),
    fc.anything(),
  );
  const facts = fc.record<ErrorFacts>({
    requestStarted: fc.boolean(),
    answerStarted: fc.boolean(),
    abandoned: fc.boolean(),
  });
  fc.assert(
    fc.property(errorsOfAnyKind, facts, (error, given) => {
      const { outcome, sent } = classifyError(error, given);
      if (!given.requestStarted) expect(sent).toBe("no");
      if (given.abandoned) expect(outcome).toBe(ABANDONED);
      expect([ABANDONED, FAILED, REFUSED]).toContain(outcome);
    }),
  );
});

/** What the file assumes about undici 7, seen at real connections. */
describe("undici", () => {
  const open: { server: Server; client: Client }[] = [];
  afterEach(async () => {
    for (const { server, client } of open.splice(0)) {
      await client.destroy();
      server.close();
    }
  });

  async function clientOf(answer: string): Promise<Client> {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer, "latin1"));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = new Client(`http://127.0.0.1:${port}`);
    open.push({ server, client });
    return client;
  }

  function attempt(client: Client): Promise<AttemptFailure | undefined> {
    const facts = { requestStarted: false, answerStarted: false, abandoned: false };
    return new Promise((resolve) => {
      const handler = {
        onConnect: () => {
          facts.requestStarted = true;
        },
        onResponseStarted: () => {
          facts.answerStarted = true;
        },
        onHeaders: () => true,
        onData: () => true,
        onComplete: () => resolve(undefined),
        onError: (error: Error) => resolve(classifyError(error, facts)),
      };
      client.dispatch({ path: "/", method: "POST", body: "x" }, handler);
    });
  }

  test("says nothing of a request that finds no server", async () => {
    const client = await clientOf("");
    const [{ server } = { server: undefined }] = open;
    server?.close();
    expect(await attempt(client)).toEqual({ reason: "refused", outcome: REFUSED, sent: "no" });
  });

  test("nor of one to a client that is closed", async () => {
    const client = await clientOf("");
    await client.close();
    expect(await attempt(client)).toEqual({ reason: "closed", outcome: ABANDONED, sent: "no" });
  });

  test.each<[string, string, FailureReason | undefined]>([
    ["nothing", "", "reset"],
    ["half a line", "HTTP/1.1 2", "reset"],
    ["no HTTP", "hello\r\n\r\n", "bad-answer"],
    ["NUL in a header", "HTTP/1.1 200 OK\r\nX-A: a\0b\r\n\r\n", "bad-answer"],
    ["a bare CR", "HTTP/1.1 200 OK\r\nX-A: a\rX-B: b\r\n\r\n", "bad-answer"],
    ["a folded line", "HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\n\r\n", "bad-answer"],
    [
      "two lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
      "bad-answer",
    ],
    ["too little", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na", "reset"],
    ["an answer", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", undefined],
  ])("answered with %s", async (_, answer, reason) => {
    const failure = await attempt(await clientOf(answer));
    expect(failure?.reason).toBe(reason);
    if (failure !== undefined) expect(failure).toMatchObject({ outcome: FAILED, sent: "maybe" });
  });
});
