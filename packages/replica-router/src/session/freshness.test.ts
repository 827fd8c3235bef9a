import { expect, test } from "vitest";
import type { Observation } from "../topology/observation.ts";
import { isFreshFor } from "./freshness.ts";
import type { Token } from "./token.ts";

const replica = (given: Partial<Observation>): Observation => ({
  system: "1",
  segmentBytes: 16_777_216n,
  version: 150000,
  isStandby: true,
  timeline: 1,
  lsn: 100n,
  askedMs: 0,
  answeredMs: 0,
  ...given,
});
const token: Token = { system: "1", timeline: 1, lsn: 100n, madeMs: 0 };
const cluster = { system: "1", highestTimeline: 2, firstLsn: 95n };
const fresh = (seen: Partial<Observation>, wants: Partial<Token> = {}, nowMs = 0) =>
  isFreshFor(replica(seen), { ...token, ...wants }, cluster, { tokenMaxAgeMs: 1000 }, nowMs);

test("from the token's position on", () => {
  expect(fresh({ lsn: 99n })).toBe(false);
  expect(fresh({ lsn: 100n })).toBe(true);
});

test("not on an older timeline, however far it went there", () => {
  expect(fresh({ lsn: 1000n }, { timeline: 2 })).toBe(false);
  expect(fresh({ lsn: 100n, timeline: 2 })).toBe(true);
});

test("what was lost in a failover is not waited for, what was kept is", () => {
  expect(fresh({ lsn: 94n, timeline: 2 }, { lsn: 200n })).toBe(false);
  expect(fresh({ lsn: 95n, timeline: 2 }, { lsn: 200n })).toBe(true);
  expect(fresh({ lsn: 95n, timeline: 1 }, { lsn: 200n })).toBe(false);
});

test("a position that could not be found out holds to the primary for a time", () => {
  expect(fresh({ lsn: 1000n }, { lsn: undefined }, 1000)).toBe(false);
  expect(fresh({ lsn: 1000n }, { lsn: undefined }, 1001)).toBe(true);
});

test("a token of another database asks for nothing", () => {
  expect(fresh({ lsn: 1n }, { system: "2" })).toBe(true);
});
