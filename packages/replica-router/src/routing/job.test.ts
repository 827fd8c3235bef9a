import { expect, test } from "vitest";
import { SessionScope } from "../session/session-scope.ts";
import type { RouteHint, Statement } from "../sql/statement.ts";
import { Job, mayUseReplica } from "./job.ts";

const may = (statement: Statement, route?: RouteHint) => mayUseReplica({ statement, route });

test("a statement is looked at once, and what the application says wins over its comment", () => {
  let looks = 0;
  const classify = (): Statement => {
    looks++;
    return { kind: "read", hint: "replica" };
  };
  const parts = {
    query: "",
    values: [],
    text: "",
    scope: new SessionScope(undefined, true),
    classify,
  };
  const job = new Job({ ...parts, route: undefined });
  expect(looks).toBe(0);
  expect([job.route, job.statement.kind, looks]).toEqual(["replica", "read", 1]);
  expect(new Job({ ...parts, route: "primary" }).route).toBe("primary");
});

test("reads may, unless the primary is asked for", () => {
  expect(may({ kind: "read" })).toBe(true);
  expect(may({ kind: "read" }, "primary")).toBe(false);
  expect(may({ kind: "begin", readOnly: true })).toBe(true);
  expect(may({ kind: "begin", readOnly: undefined })).toBe(false);
  expect(may({ kind: "begin", readOnly: undefined }, "replica")).toBe(false);
});

test("a hint is believed of what might write, not of what does or leaves something behind", () => {
  expect(may({ kind: "write", reason: "volatile" }, "replica")).toBe(true);
  expect(may({ kind: "write", reason: "unsure" }, "replica")).toBe(true);
  expect(may({ kind: "write", reason: "write" }, "replica")).toBe(false);
  expect(may({ kind: "session" }, "replica")).toBe(false);
  expect(may({ kind: "write", reason: "volatile" })).toBe(false);
});
