import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { type HttpBackend, type HttpFleet, startHttpFleet } from "../harness/src/http-fleet.ts";
import { nodeBinary } from "./node-binary.ts";
import { ShopProcess } from "./shop-process.ts";
import { OLDEST_NODE } from "./supported-versions.ts";

let fleet: HttpFleet;
let prices: HttpBackend;
let binary: string;

beforeAll(async () => {
  binary = await nodeBinary(OLDEST_NODE);
  fleet = await startHttpFleet({ backends: 1 });
  const [backend] = fleet.nodes;
  if (!backend) throw new Error("the fleet has one backend");
  prices = backend;
});
beforeEach(() => fleet.reset());
afterAll(() => fleet.close());

function startShop(circuitSettings: Record<string, unknown> = {}): Promise<ShopProcess> {
  return ShopProcess.start({
    app: inject("consumerApp"),
    binary,
    pricesUrl: prices.url,
    circuitSettings,
  });
}

async function askPrice(shop: ShopProcess): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${shop.url}/price/apple`);
  return { status: response.status, body: await response.json() };
}

describe("an Express 5 app with @headroom/core, on Node 20", () => {
  test("answers what the service behind it answers", async () => {
    await prices.behave({ body: '{"cents":42}' });
    await using shop = await startShop();
    expect(await askPrice(shop)).toEqual({ status: 200, body: { cents: 42 } });
  });

  test("asks again when the service fails for a moment", async () => {
    await prices.behave([{ status: 503 }, { status: 503 }, { body: '{"cents":42}' }]);
    await using shop = await startShop();
    expect(await askPrice(shop)).toEqual({ status: 200, body: { cents: 42 } });
    expect(await prices.stats()).toMatchObject({ requests: 3 });
  });

  test("answers in time when the service hangs", async () => {
    await prices.behave({ hang: "before-headers" });
    await using shop = await startShop();
    expect(await askPrice(shop)).toMatchObject({
      status: 504,
      body: { code: "DEADLINE_EXCEEDED", what: "the price of apple" },
    });
  });

  test("leaves the service alone once it has failed too often", async () => {
    await prices.behave({ status: 503 });
    await using shop = await startShop({ consecutiveFailures: 2 });
    expect(await askPrice(shop)).toMatchObject({ status: 502, body: { code: "NO_PRICE" } });
    expect(await askPrice(shop)).toMatchObject({ status: 502, body: { code: "NO_PRICE" } });
    const { requests } = await prices.stats();
    expect(await askPrice(shop)).toMatchObject({ status: 503, body: { code: "CIRCUIT_OPEN" } });
    expect(await prices.stats()).toMatchObject({ requests });
  });

  test("ends by itself when it is asked to", async () => {
    await using shop = await startShop();
    expect(await askPrice(shop)).toMatchObject({ status: 200 });
    expect(await shop.stop()).toBe(0);
  });

  test("does not start with a misspelt option, and says which one", async () => {
    await expect(startShop({ consecutiveFailure: 2 })).rejects.toThrow(
      /exit code 1: .*TypeError: CircuitBreaker: unknown option "consecutiveFailure", did you mean "consecutiveFailures"\?/s,
    );
  });
});
