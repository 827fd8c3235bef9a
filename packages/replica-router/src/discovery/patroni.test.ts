import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { type PatroniOptions, patroni } from "./patroni.ts";

type Answer = object | string | number | "hangs";

/** A member's answer by the host that is asked. */
function asking(answers: Record<string, Answer>, options: Partial<PatroniOptions> = {}) {
  const asked: string[] = [];
  const clock = createManualClock();
  const request = (async (input: string, init: RequestInit) => {
    const { hostname, pathname } = new URL(input);
    asked.push(`${hostname}${pathname}`);
    const answer = answers[hostname];
    if (answer === "hangs") {
      return new Promise((_, reject) => {
        init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      });
    }
    if (typeof answer === "number") return new Response("", { status: answer });
    if (answer === undefined) throw new TypeError("fetch failed");
    return new Response(typeof answer === "string" ? answer : JSON.stringify(answer));
  }) as typeof fetch;
  const discovery = patroni({
    urls: Object.keys(answers).map((host) => `http://${host}:8008`),
    connectionFor: ({ host, port }) => ({ host, port }),
    fetch: request,
    ...options,
  });
  const ending = new AbortController();
  const context = { query: async () => [], signal: ending.signal, clock };
  return { list: () => discovery.list(context), asked, clock, ending };
}

const member = (name: string, more: object = {}) => ({
  name,
  host: `${name}.db`,
  port: 5432,
  role: "replica",
  state: "streaming",
  ...more,
});

test("members that run are the servers", async () => {
  const { list } = asking({
    a: {
      scope: "shop",
      members: [
        member("leader", { role: "leader", state: "running" }),
        member("streaming"),
        member("archive", { state: "in archive recovery" }),
        member("stopped", { state: "stopped" }),
        member("failed", { state: "start failed" }),
        { name: "creating", role: "replica", state: "creating replica" },
        member("standard", { port: undefined }),
      ],
    },
  });
  expect(await list()).toEqual(
    ["leader", "streaming", "archive", "standard"].map((name) => ({
      host: `${name}.db`,
      port: 5432,
    })),
  );
});

test("noloadbalance takes reads away, and with nofailover all", async () => {
  const tags = { noloadbalance: true };
  const { list } = asking({
    a: {
      members: [
        member("quiet", { tags }),
        member("useless", { tags: { ...tags, nofailover: true } }),
        member("leading", { role: "leader", tags: { ...tags, nofailover: true } }),
        member("read", { tags: { nofailover: true } }),
      ],
    },
  });
  expect(await list()).toEqual([
    { host: "quiet.db", port: 5432, weight: 0 },
    { host: "leading.db", port: 5432, weight: 0 },
    { host: "read.db", port: 5432 },
  ]);
});

test("a connection string gets its weight as well, and undefined leaves a member out", async () => {
  const { list } = asking(
    { a: { members: [member("a", { tags: { noloadbalance: true } }), member("b")] } },
    { connectionFor: ({ name }) => (name === "a" ? "postgres://a.db/shop" : undefined) },
  );
  expect(await list()).toEqual([{ connectionString: "postgres://a.db/shop", weight: 0 }]);
});

test("addresses are tried in turn, and the one that answered is asked first from then on", async () => {
  const { list, asked } = asking({
    unwell: 503,
    garbage: "<html>",
    other: { members: [] },
    well: { members: [member("a")] },
  });
  expect(await list()).toHaveLength(1);
  expect(asked.splice(0)).toEqual(
    ["unwell", "garbage", "other", "well"].map((host) => `${host}/cluster`),
  );
  await list();
  expect(asked).toEqual(["well/cluster"]);
});

test("one that hangs is given up after its time", async () => {
  const { list, clock } = asking(
    { hung: "hangs", well: { members: [member("a")] } },
    { timeoutMs: 500 },
  );
  const listing = list();
  await clock.advance(500);
  expect(await listing).toHaveLength(1);
});

test("when nobody answers the error says what each did", async () => {
  const { list } = asking({ unwell: 503, garbage: "<html>" });
  await expect(list()).rejects.toThrow(
    /no Patroni member answered: http:\/\/unwell:8008\/cluster answered 503; .*JSON/,
  );
});

test("the end of the pool ends it", async () => {
  const { list, ending } = asking({ hung: "hangs", well: { members: [member("a")] } });
  const listing = list();
  ending.abort(new Error("ended"));
  await expect(listing).rejects.toThrow("ended");
});

test.each([
  [{ urls: [] }, /urls must list/],
  [{ urls: ["10.0.0.1:8008"] }, /urls\[0\] must be an http/],
  [{ urls: ["http://a", "http://user:hunter2@b"] }, /urls\[1\] .* without credentials/],
  [{ timeoutMs: 0 }, /timeoutMs/],
  [{ url: "http://a" }, /"urls"/],
])("options are checked: %o", (wrong, message) => {
  const options = { urls: ["http://a"], connectionFor: () => undefined, ...wrong };
  expect(() => patroni(options)).toThrow(message);
  expect(() => patroni(options)).not.toThrow(/hunter2/);
});
