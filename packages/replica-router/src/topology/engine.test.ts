import { expect, test } from "vitest";
import { questionsOf } from "./engine.ts";
import { identityOf, observationOf } from "./observation.ts";

test("Aurora is asked only for what it has", () => {
  const { identity, position } = questionsOf("aurora");
  expect(`${identity}${position}`).not.toMatch(/lsn|pg_control|walfile|wal_receiver/);
  expect(questionsOf("postgresql").position).toMatch(/pg_last_wal_replay_lsn/);
});

test("what Aurora answers is an observation without a position", () => {
  const identity = identityOf({ system: "0", segment: "0", version: "160004" });
  const times = { askedMs: 0, answeredMs: 1 };
  const see = (row: Record<string, unknown>) =>
    observationOf(identity, { timeline: 1, ...row }, times);
  expect(see({ standby: true, lag: 17.5 })).toMatchObject({
    isStandby: true,
    lsn: undefined,
    lagMs: 17.5,
    timeline: 1,
  });
  expect(see({ standby: false, lag: 0 })).toMatchObject({ isStandby: false, lagMs: 0 });
});
