import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test } from "vitest";
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
