import { expect, test } from "vitest";
import { identityOf, observationOf } from "./observation.ts";

const identity = identityOf({
  system: "7439052108893741230",
  segment: "16777216",
  version: "150018",
});
const times = { askedMs: 1, answeredMs: 2 };

test("of a primary the end of its records counts, not its insert position", () => {
  const row = { standby: false, lsn: "0/3000028", timeline: 2 };
  expect(observationOf(identity, row, times)).toEqual({
    system: "7439052108893741230",
    segmentBytes: 16_777_216n,
    version: 150018,
    isStandby: false,
    timeline: 2,
    lsn: 0x3000000n,
    ...times,
  });
});

test("of a standby what it has replayed, as it is", () => {
  const row = { standby: true, lsn: "0/3000018", timeline: 1 };
  expect(observationOf(identity, row, times)).toMatchObject({ isStandby: true, lsn: 0x3000018n });
});

test("a server that has not begun to replay has no position", () => {
  expect(() => observationOf(identity, { standby: true, lsn: null, timeline: 1 }, times)).toThrow(
    /position/,
  );
});
