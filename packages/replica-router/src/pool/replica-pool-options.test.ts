import { expect, test } from "vitest";
import { fakePostgres } from "../../test/fake-postgres.ts";
import { type ReplicaPoolOptions, replicaPoolSettings } from "./replica-pool-options.ts";

const { pg } = fakePostgres();
const settings = (options: object = {}) =>
  replicaPoolSettings({ pg, primary: "postgres://a/x", ...options } as ReplicaPoolOptions);

test("nothing but the primary has to be given", () => {
  expect(settings()).toMatchObject({
    name: "db",
    max: 10,
    consistency: "session",
    maxLag: { ms: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
    waitMs: 0,
    failoverMs: 10_000,
    mostStandIns: Number.POSITIVE_INFINITY,
    monitor: { intervalMs: 1000, timeoutMs: 200, silenceMs: 100, hungMs: 5000 },
  });
});

test("the primary's reads are a share of its connections", () => {
  expect(settings({ max: 10, primaryReads: 0.25 }).mostStandIns).toBe(2);
  expect(settings({ primaryReads: 0 }).mostStandIns).toBe(0);
});

test.each([
  [{ replica: [] }, /unknown option "replica", did you mean "replicas"/],
  [{ pg: {} }, /pg must be the module itself/],
  [{ max: 0 }, /max must be an integer of at least 1, got 0/],
  [{ consistency: "causal" }, /consistency must be one of session, eventual, strong/],
  [{ maxLag: { seconds: 1 } }, /maxLag: unknown option "seconds"/],
  [{ maxLag: { ms: -1 } }, /maxLag.ms must be/],
  [{ wait: { ms: -1 } }, /wait.ms must be/],
  [{ policy: "random" }, /policy must be one of/],
  [{ monitor: { interval: 5 } }, /did you mean "intervalMs"/],
  [{ primaryReads: 2 }, /primaryReads must be a number from 0 to 1/],
  [{ onRoute: "log" }, /onRoute must be a function/],
  [{ discovery: {} }, /discovery must be an object with list/],
  [{ failoverMs: 0 }, /failoverMs must be/],
])("%o is refused", (options, message) => {
  expect(() => settings(options)).toThrow(message);
});
