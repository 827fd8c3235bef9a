/**
 * Answers that stop after their headers. Nothing can be tried again then, as the client has begun to
 * read; what can be done is to tell it. A part that looks like a whole would be the worst of all
 * answers: it is believed, and cached.
 */

import { get, type IncomingMessage } from "node:http";
import { type HttpBackend, startHttpFleet, testSeed, useServers } from "@headroom/harness";
import type { LoadBalancer } from "@headroom/lb";
import { describe, expect, test } from "vitest";
import { exchangeRaw, proxying } from "../../packages/lb/test/proxied.ts";
import { balancing } from "../../packages/lb/test/web-servers.ts";
import { webServerProcess } from "../../packages/lb/test/web-servers-processes.ts";
import { balanced, Load, report } from "./lb-faults-load.ts";

describe("one of four", () => {
  const fleet = useServers(() => startHttpFleet({ backends: 4, seed: testSeed().value }));
  const broken = (): HttpBackend => fleet().nodes[0] as HttpBackend;
  const statsOf = (lb: LoadBalancer) => lb.stats().targets.find(({ id }) => id === broken().name);

  test.each([
    ["goes silent in the middle of bodies", { hang: "in-body" }, "LB_TIMEOUT"],
    ["resets in the middle of bodies", { reset: "in-body" }, "LB_UPSTREAM"],
  ] as const)(
    "%s: its clients are told, nothing is sent twice, and it is ejected",
    async (what, script, code) => {
      // Blind to failures but for ejection, so that it is ejected and not only avoided.
      const lb = balanced(fleet().nodes, { policy: "round-robin", bodyTimeoutMs: 500 });
      await broken().behave(script);
      const load = new Load(lb, fleet().nodes);
      await load.run(400);
      const account = await load.end();
      report(`a server that ${what}`, account);
      expect(account.answered + account.failedGets).toBe(400);
      expect(account.arrived).toBe(400);
      expect(account.reasons).toEqual({ [code]: account.failedGets });
      expect(account.byServer.has(broken().name)).toBe(false);
      expect(statsOf(lb)).toMatchObject({ status: "ejected", failures: account.failedGets });
      // Five in a row eject it; the others were under way at that moment.
      expect(account.failedGets).toBeGreaterThanOrEqual(5);
      expect(account.failedGets).toBeLessThanOrEqual(5 + 8);
    },
  );
});

describe.each([
  ["content-length", "broke"],
  ["chunked", "broke"],
  // The end of its connection is the end of such a body, whichever it is (RFC 9112 §8), and undici
  // does not tell a reset from it.
  ["until-close", "whole"],
])("a body by %s", (framing, expected) => {
  test.each(["reset", "end"])(
    "whose connection ends by %s is the same for every client",
    async (end) => {
      const path = `/${framing}/${end}`;
      const lb = balancing([await webServerProcess("a")]);
      const proxy = await proxying(lb);
      const seen = {
        request: await lb
          .request({ method: "GET", path })
          .then(({ body }) => body.text())
          .then(whole, broke),
        fetch: await lb
          .fetch(path)
          .then((response) => response.text())
          .then(whole, broke),
        "HTTP/1.1 client of the proxy": await clientOf(`${proxy.url}${path}`),
        "HTTP/1.0 client of the proxy": await exchangeRaw(
          proxy.port,
          `GET ${path} HTTP/1.0\r\nHost: a\r\n\r\n`,
        ).then((answer) => (isTruncated(answer) ? "broke" : "whole"), broke),
      };
      expect(seen).toEqual(
        Object.fromEntries(Object.keys(seen).map((client) => [client, expected])),
      );
      const [target] = lb.stats().targets;
      expect(target).toMatchObject({ requests: 4, failures: expected === "broke" ? 4 : 0 });
    },
  );
});

const whole = (): string => "whole";
const broke = (): string => "broke";

/** A client that knows that an answer has broken off by what HTTP/1.1 says about that. */
function clientOf(url: string): Promise<string> {
  return new Promise((resolve) => {
    const sent = get(url, { agent: false }, (response: IncomingMessage) => {
      response.on("error", () => {});
      response.on("close", () => resolve(response.complete ? "whole" : "broke"));
      response.resume();
    });
    sent.on("error", () => resolve("broke"));
  });
}

/** Without a length nothing but a reset of its connection tells that an answer is not whole. */
function isTruncated(answer: string): boolean {
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  return length !== undefined && body.length < Number(length);
}
