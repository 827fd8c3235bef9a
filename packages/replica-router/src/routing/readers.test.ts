import { expect, test } from "vitest";
import type { Token } from "../session/token.ts";
import type { Host } from "../topology/host.ts";
import { LagHistory } from "../wal/lag-history.ts";
import { findReaders, type ReadNeeds } from "./readers.ts";

const host = (name: string, lsn: bigint, role = "replica", weight = 1) =>
  ({ name, role, observation: { lsn }, weightAt: () => weight }) as unknown as Host;
const lag = new LagHistory();
lag.note(100n, 0);
lag.note(200n, 1000);
const none: ReadNeeds = {
  maxLag: { ms: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
  token: undefined,
  lastReader: undefined,
};
const find = (hosts: Host[], needs: Partial<ReadNeeds> = {}, tried?: ReadonlySet<Host>) =>
  findReaders(
    {
      hosts,
      tried,
      lag,
      isFresh: ({ observation }, token) => (observation?.lsn ?? 0n) >= (token.lsn ?? 0n),
      nowMs: 1500,
    },
    { ...none, ...needs },
  );
const token: Token = { system: "1", timeline: 1, lsn: 200n, madeMs: 0 };
const [primary, near, far] = [
  host("primary", 200n, "primary"),
  host("near", 200n),
  host("far", 100n),
];

test("replicas in rotation", () => {
  expect(find([primary, near, far])).toMatchObject({ hosts: [near, far] });
  expect(find([primary, host("ejected", 200n, "replica", 0)])).toEqual({
    hosts: [],
    reason: "no-replica",
  });
  expect(find([near, far], {}, new Set([near]))).toMatchObject({ hosts: [far] });
});

test("those that are not too far behind", () => {
  const maxLag = { ms: 1000, bytes: Number.POSITIVE_INFINITY };
  expect(find([near, far], { maxLag })).toMatchObject({ hosts: [near] });
  expect(find([far], { maxLag })).toEqual({ hosts: [], reason: "lagging" });
  expect(find([far], { maxLag: { ...none.maxLag, bytes: 99 } })).toEqual({
    hosts: [],
    reason: "lagging",
  });
  expect(find([far], { maxLag: { ms: 1500, bytes: 100 } })).toMatchObject({ hosts: [far] });
});

test("those that have what the session has written", () => {
  expect(find([near, far], { token })).toMatchObject({ hosts: [near] });
  expect(find([far], { token })).toEqual({ hosts: [], reason: "token-behind" });
});

test("only who answered last, while it is not known how far it was", () => {
  expect(find([near, far], { lastReader: far })).toMatchObject({ hosts: [far] });
  expect(find([near], { lastReader: far })).toEqual({ hosts: [], reason: "token-behind" });
});
