/** The account that the fault tests rely on sees every kind of loss that they deny. */

import { type HttpBackend, startHttpFleet, testSeed, useServers } from "@headroom/harness";
import type { LoadBalancer } from "@headroom/lb";
import { expect, test } from "vitest";
import { type Account, balanced, expectNothingLost, Load } from "./lb-faults-load.ts";

const fleet = useServers(() => startHttpFleet({ backends: 2, seed: testSeed().value }));
const backend = (at: number): HttpBackend => fleet().nodes[at] as HttpBackend;

type Request = LoadBalancer["request"];
type Sent = Parameters<Request>[0] & { path: string; method: string };

/** The account of 40 requests, half of them POSTs, some of which `tamper` does in its own way. */
async function accountOf(
  tamper: (lb: LoadBalancer, sent: Sent, request: number) => unknown,
): Promise<Account> {
  const lb = balanced(fleet().nodes, { retry: false });
  let request = 0;
  const request_ = async (sent: Sent): Promise<unknown> => {
    request += 1;
    return (await tamper(lb, sent, request)) ?? lb.request(sent);
  };
  const load = new Load({ request: request_ as unknown as Request }, fleet().nodes, {
    posts: 0.5,
    workers: 1,
    restMs: 0,
  });
  await load.run(40);
  return load.end();
}

const isPost = (at: number) => {
  let posts = 0;
  return ({ method }: Sent): boolean => method === "POST" && ++posts === at;
};

const made = (text: string) => ({ statusCode: 200, body: { text: async () => text } });

test("where nothing happens, all is answered, and seen by the servers once", async () => {
  const account = await accountOf(() => undefined);
  expectNothingLost(account);
  expect(account).toMatchObject({ sent: 40, answered: 40, arrived: 40, failedPosts: 0 });
  expect([...account.byServer.keys()].sort()).toEqual(["http1", "http2"]);
});

test("a POST that is answered though no server has seen it is lost", async () => {
  const isFifth = isPost(5);
  const account = await accountOf((_, sent) =>
    isFifth(sent) ? made(JSON.stringify({ backend: "nobody", path: sent.path })) : undefined,
  );
  expect(account).toMatchObject({ answered: 40, lostPosts: 1, doubledPosts: 0, arrived: 39 });
  expect(() => expectNothingLost(account)).toThrow();
});

test("a POST that is sent twice is doubled, also when one of the servers was killed meanwhile", async () => {
  const isFifth = isPost(5);
  const account = await accountOf(async (lb, sent) => {
    if (!isFifth(sent)) return;
    const { body } = await lb.request(sent);
    const { backend: name } = (await body.json()) as { backend: string };
    const first = fleet().nodes.find((node) => node.name === name);
    await first?.kill9();
    await first?.start();
  });
  expect(account).toMatchObject({ doubledPosts: 1, lostPosts: 0, arrived: 41 });
  expect(() => expectNothingLost(account)).toThrow();
});

test("half an answer, the answer to another request, another status and an error are failures", async () => {
  const tampered = (sent: Sent, request: number): unknown => {
    if (sent.method !== "GET") return;
    if (request % 8 === 1) return made('{"backend":"http1","path":"');
    if (request % 8 === 3) return made('{"backend":"http1","path":"/other"}');
    if (request % 8 === 5) return { ...made("{}"), statusCode: 502 };
    throw new Error("broken");
  };
  const account = await accountOf((_, sent, request) => tampered(sent, request));
  expect(account).toMatchObject({ failedGets: 20, failedPosts: 0, answered: 20 });
});

test("a fault without the balancer's help does fail requests: the servers are really gone", async () => {
  const lb = balanced(fleet().nodes, { retry: false });
  const load = new Load(lb, fleet().nodes);
  load.start();
  await load.answered(40);
  await backend(0).kill9();
  await load.answered(40);
  expect((await load.end()).failedGets).toBeGreaterThan(0);
});
