import { startHttpFleet } from "@headroom/harness";
import { p2cEwma, roundRobin } from "@headroom/lb";
import { Pool } from "undici";
import { type AsyncOperation, area } from "../src/area.ts";
import { originsOf } from "./lb/backends.ts";
import * as client from "./lb/clients.ts";
import { FAULT_FIGURES, FAULTS, type Fault, underFault } from "./lb/faults.ts";
import * as proxy from "./lb/proxies.ts";
import { afterOutage, RECOVERY_FIGURES } from "./lb/recovery.ts";
import { indexInTurn, leaseOf, pickOf, pickOfBalancedPool, timedPickOf } from "./lb/selection.ts";

const IN_FLIGHT = 16;
const PICKS = {
  "p2c-ewma": (n: number) => timedPickOf(p2cEwma(), n),
  "round-robin": (n: number) => pickOf(roundRobin(), n),
};

export default area("lb", (bench) => {
  for (const policy of ["p2c-ewma", "round-robin"] as const) {
    for (const n of [3, 10, 100]) {
      bench.micro(`pick/${policy}/n=${n}`, {
        ours: () => PICKS[policy](n),
        peers: {
          "undici BalancedPool": (resources) => pickOfBalancedPool(n, resources),
          "index in turn": () => indexInTurn(n),
        },
        floor: "index in turn",
      });
    }
    bench.micro(`lease/${policy}/n=100`, {
      ours: (resources) => leaseOf(policy, 100, resources),
      peers: {
        "undici BalancedPool, pick only": (resources) => pickOfBalancedPool(100, resources),
      },
      floor: "undici BalancedPool, pick only",
    });
  }

  bench.client("fetch", {
    setup: startBackends,
    ours: client.ours,
    peers: {
      "undici Pools in turn": client.poolsInTurn,
      "undici BalancedPool": client.balancedPool,
    },
    floor: "undici Pools in turn",
    concurrency: IN_FLIGHT,
  });
  bench.client("fetch/{figure}/dispatcher", {
    setup: startBackends,
    ours: client.fetchOverOurs,
    peers: {
      "undici Pools in turn": client.fetchOverPoolsInTurn,
      "undici BalancedPool": client.fetchOverBalancedPool,
    },
    floor: "undici Pools in turn",
    concurrency: IN_FLIGHT,
  });

  for (const [name, load] of [
    ["get", loadWith()],
    ["post1k", loadWith(Buffer.alloc(1024, "x"))],
  ] as const) {
    bench.server(`proxy/{figure}/${name}`, {
      setup: startBackends,
      ours: proxy.ours,
      peers: {
        "node:http pipe": proxy.nodeHttp,
        "undici dispatch": proxy.undiciDispatch,
        "@fastify/reply-from": proxy.replyFrom,
        "http-proxy-3": proxy.httpProxy3,
        httpxy: proxy.httpxy,
      },
      floor: "node:http pipe",
      load,
      concurrency: IN_FLIGHT,
    });
  }

  const fault = (name: string, what: Fault, more: Readonly<Record<string, client.OpenClient>>) =>
    bench.figures(`fault/${name}`, {
      figures: FAULT_FIGURES,
      ours: underFault(what, client.ours),
      peers: {
        "round robin": underFault(what, client.poolsInTurn),
        "undici BalancedPool": underFault(what, client.balancedPool),
        ...Object.fromEntries(
          Object.entries(more).map(([peer, open]) => [peer, underFault(what, open)]),
        ),
      },
      floor: "round robin",
    });
  const retrying = { "BalancedPool + RetryAgent": client.balancedPoolWithRetries };
  fault("fast-500", FAULTS["fast-500"], retrying);
  fault("kill", FAULTS.kill, retrying);
  // RetryAgent does not repeat what has timed out, nor is a slow answer an error.
  fault("hang", FAULTS.hang, {});
  fault("slow+200ms", FAULTS["slow+200ms"], {});
  fault("all-503", FAULTS["all-503"], retrying);

  bench.figures("recover/after-both-down", {
    figures: RECOVERY_FIGURES,
    ours: afterOutage(client.ours),
    peers: {
      "round robin": afterOutage(client.poolsInTurn),
      "undici BalancedPool": afterOutage(client.balancedPool),
      "BalancedPool + RetryAgent": afterOutage(client.balancedPoolWithRetries),
    },
    floor: "round robin",
  });
});

/** Two that answer at once; they need not be told apart, only to be two. */
async function startBackends(resources: AsyncDisposableStack): Promise<string[]> {
  return originsOf(resources.use(await startHttpFleet({ backends: 2 })));
}

/** `GET /`, or `POST /` with a body, over as many connections as there are requests in flight. */
function loadWith(body?: Buffer) {
  const request =
    body === undefined
      ? ({ method: "GET", path: "/" } as const)
      : ({
          method: "POST",
          path: "/",
          body,
          headers: { "content-type": "application/octet-stream" },
        } as const);
  return (origin: string, resources: AsyncDisposableStack): AsyncOperation => {
    const pool = new Pool(origin, { connections: IN_FLIGHT });
    resources.defer(() => pool.destroy());
    return async () => client.settle(await pool.request(request));
  };
}
