import { expect, test } from "vitest";
import { Sessions } from "./sessions.ts";

test("each run is a session of its own, the rest is one", async () => {
  const sessions = new Sessions();
  const everybody = sessions.present;
  const token = { system: "1", timeline: 1, lsn: 5n, madeMs: 0 };
  const [one, other] = await Promise.all([
    sessions.run(token, async () => {
      await Promise.resolve();
      return sessions.present;
    }),
    sessions.run(undefined, async () => sessions.present),
  ]);
  expect(one.token).toBe(token);
  expect(new Set([one, other, everybody]).size).toBe(3);
  expect(sessions.present).toBe(everybody);
});
