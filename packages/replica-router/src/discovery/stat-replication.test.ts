import { systemClock } from "@headroom/core/clock";
import { expect, test } from "vitest";
import { statReplication } from "./stat-replication.ts";

const list = (
  rows: Record<string, unknown>[],
  connectionFor: Parameters<typeof statReplication>[0]["connectionFor"],
) =>
  statReplication({ connectionFor }).list({
    query: async () => rows,
    signal: new AbortController().signal,
    clock: systemClock,
  });

test("the application says how each replica is reached, and leaves out what is none", async () => {
  const rows = [
    { address: "10.0.0.5", name: "r1", state: "streaming" },
    { address: "10.0.0.9", name: "pg_receivewal", state: "streaming" },
    { address: null, name: "local", state: "catchup" },
  ];
  const servers = await list(rows, ({ address, name }) =>
    name === "pg_receivewal" ? undefined : { host: address ?? "localhost", port: 5433 },
  );
  expect(servers).toEqual([
    { host: "10.0.0.5", port: 5433 },
    { host: "localhost", port: 5433 },
  ]);
});

test("no replica is an answer; a view that tells nothing is none", async () => {
  expect(await list([], () => ({}))).toEqual([]);
  const veiled = [{ address: null, name: null, state: null }];
  await expect(list(veiled, () => ({}))).rejects.toThrow(/GRANT pg_monitor/);
});

test("options are checked", () => {
  expect(() => statReplication({} as never)).toThrow(/connectionFor must be a function/);
  expect(() => statReplication({ connectionFor: () => "", everyMs: -1 })).toThrow(/everyMs/);
});
