import { replicaQuery } from "@headroom/core/channels";
import { expect, onTestFinished, test } from "vitest";
import type { Host } from "../topology/host.ts";
import { traceQuery } from "./query-trace.ts";

test("what failed is told as well, with the server where it did", async () => {
  const ended: object[] = [];
  onTestFinished(replicaQuery.subscribe({ asyncEnd: (query) => ended.push({ ...query }) }));
  const host = { name: "a", role: "primary" } as Host;
  const error = new Error("no");
  await traceQuery("db", { host }, async () => ({ rows: [] }));
  await traceQuery("db", { host }, () => Promise.reject(error)).catch(() => {});
  await traceQuery("db", { host: undefined }, async () => ({ rows: [] }));
  expect(ended).toEqual([
    { pool: "db", node: "a", role: "primary" },
    { pool: "db", node: "a", role: "primary", error },
    { pool: "db" },
  ]);
});
