import { expect, test } from "vitest";
import { answering, webServer } from "../../test/web-servers.ts";
import { type HttpCheckOptions, httpCheck } from "./http-check.ts";
import { httpEndpoint } from "./http-endpoint.ts";
import { HttpTarget } from "./http-target.ts";
import { loadBalancerRules } from "./load-balancer-options.ts";

async function check(url: string, options: HttpCheckOptions): Promise<unknown> {
  const listener = { drained() {}, connected() {}, disconnected() {}, connectFailed() {} };
  const { connection } = loadBalancerRules({ targets: [] });
  const target = new HttpTarget(httpEndpoint(url, "http"), connection, listener, new Set());
  try {
    return await httpCheck(options).check(target, new AbortController().signal);
  } finally {
    await target.destroy(new Error("the test is over"));
  }
}

test.each([
  [200, true],
  [204, true],
  [301, true],
  [404, false],
  [503, false],
])("a server that answers with %i is fit: %s", async (status, isFit) => {
  const a = await answering("a", status);
  expect(await check(a.url, { path: "/healthz" })).toBe(isFit);
  expect(a.seen).toMatchObject([{ method: "GET", path: "/healthz" }]);
});

test("method, headers and rule", async () => {
  const a = await answering("a", 418);
  const isFit = await check(a.url, {
    path: "/",
    method: "HEAD",
    headers: { "x-check": "1" },
    isFit: (statusCode) => statusCode === 418,
  });
  expect(isFit).toBe(true);
  expect(a.seen).toMatchObject([{ method: "HEAD", headers: { "x-check": "1" } }]);
});

test("a server that is gone fails the check", async () => {
  const a = await webServer("a", () => {});
  await a.stop();
  await expect(check(a.url, { path: "/" })).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test.each([
  [{}, "path must be"],
  [{ path: "healthz" }, "slash"],
  [{ path: "/", method: "POST" }, "method"],
  [{ path: "/", isFit: 200 }, "isFit must be a function"],
  [{ path: "/", interval: 5 }, 'unknown option "interval"'],
])("%o is refused", (options, why) => {
  expect(() => httpCheck(options as HttpCheckOptions)).toThrow(why);
});
