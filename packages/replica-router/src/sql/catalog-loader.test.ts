import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { routedServers } from "../../test/routed-servers.ts";
import { Topology } from "../topology/topology.ts";
import { CatalogLoader } from "./catalog-loader.ts";
import { createSqlClassifier } from "./sql-classifier.ts";

function start() {
  const clock = createManualClock();
  const topology = new Topology({ name: "db", clock, hungMs: 1000 });
  const classifier = createSqlClassifier();
  const loader = new CatalogLoader({ topology, classifier, clock, patienceMs: 1000 });
  onTestFinished(() => loader.close());
  return { clock, loader };
}

test("the first statement waits for what the database has, but not for ever", async () => {
  const { clock, loader } = start();
  expect(loader.ready()).toBeInstanceOf(Promise);
  await clock.advance(1100);
  expect(loader.ready()).toBeUndefined();
});

test("a function of the database that writes is known from the first statement on, a new one soon after", async () => {
  const { ask, server, clock, routes } = await routedServers(
    {},
    { volatileFunctions: ["record_visit"] },
  );
  expect(["b", "c"]).toContain(await ask("SELECT app.later()"));
  expect(await ask("SELECT app.record_visit()")).toBe("a");
  server("a").volatileFunctions = ["later"];
  await clock.advance(61_000);
  await ask("SELECT app.later()");
  expect(routes.map(({ reason }) => reason)).toEqual(["read", "volatile", "volatile"]);
});
