import { expect, test } from "vitest";
import { newJob } from "../conformance/conformance-bench.ts";
import type { QueueSettings } from "../driver.ts";
import { postgresSchedules } from "./postgres-schedules.ts";
import type { Row } from "./statements.ts";

const PHOTOS: QueueSettings = {
  name: "photos",
  maxBacklog: 1,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
};

test.each<[Row, unknown, boolean]>([
  [{ outcome: "early", inms: 12 }, { outcome: "early", inMs: 12 }, false],
  [{ outcome: "already" }, { outcome: "already" }, false],
  [{ outcome: "fired" }, { outcome: "fired" }, true],
])("%o is %o", async (row, fired, tells) => {
  const told: unknown[] = [];
  const asked: unknown[][] = [];
  const schedules = postgresSchedules({
    schema: '"app"',
    run: async (_queue, _text, values) => {
      asked.push(values);
      return [row];
    },
    tell: (kind) => told.push(kind),
  });
  expect(await schedules.fire(PHOTOS, "nightly", 7, newJob())).toEqual(fired);
  expect(told).toEqual(tells ? ["ready"] : []);
  expect(asked[0]?.slice(-2)).toEqual(["nightly", 7]);
  expect(asked[0]?.[15], "a backlog that is full keeps no tick out").toBeNull();
});
