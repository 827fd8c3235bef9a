import fc from "fast-check";
import { expect, test } from "vitest";
import { type Candidate, type Cluster, clusterAfter, electPrimary } from "./election.ts";
import type { Observation } from "./observation.ts";

const seen = (given: Partial<Observation>): Observation => ({
  system: "1",
  segmentBytes: 16_777_216n,
  version: 150000,
  isStandby: false,
  timeline: 1,
  lsn: 100n,
  askedMs: 0,
  answeredMs: 0,
  ...given,
});
const host = (given: Partial<Observation>): Candidate => ({ observation: seen(given) });
const gone: Candidate = { observation: undefined };
const clusterOf = (hosts: readonly Candidate[]): Cluster =>
  hosts.reduce<Cluster>(
    (cluster, { observation }) => (observation ? clusterAfter(cluster, observation) : cluster),
    { system: undefined, highestTimeline: 0, firstLsn: undefined },
  );
const elect = (hosts: readonly Candidate[], present?: Candidate, cluster = clusterOf(hosts)) =>
  electPrimary(hosts, cluster, present);

test("who is not in recovery", () => {
  const primary = host({});
  expect(elect([host({ isStandby: true, lsn: 200n }), primary, gone])).toBe(primary);
  expect(elect([host({ isStandby: true }), gone])).toBeUndefined();
});

test("of two, the one on the higher timeline, though the other has written more", () => {
  const promoted = host({ timeline: 2 });
  const old = host({ lsn: 1000n });
  expect(elect([old, promoted])).toBe(promoted);
  expect(elect([old, promoted], old)).toBe(promoted);
});

test("an old primary stays out when the promoted one is gone", () => {
  const old = host({});
  expect(
    elect([old, gone], undefined, { system: "1", highestTimeline: 2, firstLsn: 90n }),
  ).toBeUndefined();
});

test("a standby that follows a new timeline tells of a promotion too", () => {
  const old = host({});
  expect(elect([old, host({ isStandby: true, timeline: 2 })], old)).toBeUndefined();
});

test("of two on one timeline, the one that is it already, else the one that has written more", () => {
  const [a, b] = [host({ lsn: 100n }), host({ lsn: 200n })];
  expect(elect([a, b])).toBe(b);
  expect(elect([a, b], a)).toBe(a);
});

test("another cluster's primary never", () => {
  const ours = host({ isStandby: true });
  expect(elect([ours, host({ system: "2", timeline: 9 })])).toBeUndefined();
});

test("where a timeline was first seen is where its primary was, and stays", () => {
  const promoted = seen({ timeline: 2, lsn: 90n });
  const follower = seen({ timeline: 2, isStandby: true, lsn: 50n });
  let cluster = clusterAfter(clusterOf([host({})]), follower);
  expect(cluster).toEqual({ system: "1", highestTimeline: 2, firstLsn: undefined });
  cluster = clusterAfter(cluster, promoted);
  expect(clusterAfter(cluster, { ...promoted, lsn: 95n }).firstLsn).toBe(90n);
});

test("whatever is seen in whatever order, nobody below a timeline that was seen is ever elected", () => {
  const observations = fc.record({
    isStandby: fc.boolean(),
    timeline: fc.integer({ min: 1, max: 4 }),
    lsn: fc.bigInt({ min: 0n, max: 5n }),
    system: fc.constantFrom("1", "2"),
  });
  fc.assert(
    fc.property(fc.array(fc.array(observations, { maxLength: 4 }), { maxLength: 6 }), (rounds) => {
      let cluster: Cluster = { system: "1", highestTimeline: 0, firstLsn: undefined };
      let highest = 0;
      let present: Candidate | undefined;
      for (const round of rounds) {
        const hosts = round.map(host);
        for (const { observation } of hosts) {
          if (observation?.system === "1") highest = Math.max(highest, observation.timeline);
          if (observation) cluster = clusterAfter(cluster, observation);
        }
        present = electPrimary(hosts, cluster, present);
        if (present !== undefined) {
          expect(present.observation).toMatchObject({
            isStandby: false,
            system: "1",
            timeline: highest,
          });
        }
      }
    }),
  );
});
