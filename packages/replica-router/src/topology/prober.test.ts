import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { fakePostgres } from "../../test/fake-postgres.ts";
import type { PgModule } from "../pg-module.ts";
import type { Observation } from "./observation.ts";
import { Prober } from "./prober.ts";

function prober() {
  const clock = createManualClock();
  const { pg, server, config } = fakePostgres("a");
  const seen: Observation[] = [];
  const failures: unknown[] = [];
  const looking = new Prober({
    pg: pg as unknown as PgModule,
    engine: "postgresql",
    config: config("a"),
    clock,
    name: "a",
    timeoutMs: 100,
    onObserved: (observation) => seen.push(observation),
    onFailed: (error) => failures.push(error),
  });
  onTestFinished(() => looking.close());
  return { clock, server: server("a"), looking, seen, failures };
}

test("who asks while a look is under way gets the next one, with everybody else", async () => {
  const { looking, seen } = prober();
  await Promise.all([looking.look(), looking.look(), looking.look()]);
  expect(seen).toHaveLength(2);
  expect(seen[0]).toMatchObject({ system: "7", timeline: 1, lsn: 0x1000n, isStandby: false });
});

test("a server that does not answer has failed, and is asked over a new connection", async () => {
  const { looking, server, clock, seen, failures } = prober();
  await looking.look();
  server.isHung = true;
  const late = looking.look();
  await clock.advance(200);
  await late;
  expect(failures).toMatchObject([{ code: "DEADLINE_EXCEEDED" }]);
  server.isHung = false;
  await looking.look();
  expect(seen).toHaveLength(2);
});

test("after its end it looks at nothing", async () => {
  const { looking, seen, failures } = prober();
  looking.close();
  await looking.look();
  expect([seen, failures]).toEqual([[], []]);
});
