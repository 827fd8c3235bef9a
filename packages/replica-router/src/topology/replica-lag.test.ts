import { expect, test } from "vitest";
import { LagHistory } from "../wal/lag-history.ts";
import { replicaLag } from "./replica-lag.ts";

const history = new LagHistory();
history.note(100n, 0);
history.note(200n, 1000);

test("a position is compared to where the primary was", () => {
  expect(replicaLag({ lsn: 100n }, history, 1500)).toEqual({ ms: 1500, bytes: 100 });
});

test("without one it is what the server says", () => {
  expect(replicaLag({ lsn: undefined, lagMs: 20 }, history, 1500)).toEqual({
    ms: 20,
    bytes: undefined,
  });
});

test("nothing is known before it has answered, or of the primary", () => {
  expect(replicaLag(undefined, history, 0)).toEqual({ ms: undefined, bytes: undefined });
  expect(replicaLag({ lsn: 1n }, new LagHistory(), 0)).toEqual({ ms: undefined, bytes: undefined });
});
