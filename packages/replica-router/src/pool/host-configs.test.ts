import { expect, test } from "vitest";
import { hostConfigs } from "./host-configs.ts";

test("texts and objects, one primary or several that may be", () => {
  expect(
    hostConfigs("postgres://app:hunter2@db1/app", [{ host: "db2", port: 5433, weight: 2 }]),
  ).toEqual([
    {
      name: "db1:5432",
      weight: 1,
      connection: { connectionString: "postgres://app:hunter2@db1/app" },
    },
    { name: "db2:5433", weight: 2, connection: { host: "db2", port: 5433 } },
  ]);
  const several = hostConfigs([{ host: "a" }, { connectionString: "postgres://b:1/x" }, {}], []);
  expect(several.map(({ name }) => name)).toEqual(["a:5432", "b:1", "localhost:5432"]);
});

test.each([
  [() => hostConfigs([], []), /primary must name at least one server/],
  [() => hostConfigs("db1", []), /primary must be a URL such as/],
  [
    () => hostConfigs(5 as never, []),
    /primary must be a connection string or what pg.Client takes/,
  ],
  [() => hostConfigs({}, {} as never), /replicas must be a list/],
  [() => hostConfigs({}, [{}]), /two servers are called "localhost:5432"/],
  [
    () => hostConfigs({}, [{ name: "r", weight: -1 }]),
    /replicas\[0\].weight must be a non-negative number/,
  ],
  [() => hostConfigs([{}, { name: "" }], []), /primary\[1\].name must be a non-empty string/],
])("a server that is none is named: %#", (make, message) => {
  expect(make).toThrow(message);
});

test("a text that is no URL is not shown: it may hold a password", () => {
  expect(() => hostConfigs("app:hunter2@db1", [])).not.toThrow(/hunter2/);
});
