import { expect, test } from "vitest";
import { failureOf } from "./failure.ts";

const withCode = (code: string, severity = "ERROR") =>
  Object.assign(new Error("…"), { code, severity });

test.each([
  [withCode("ECONNREFUSED"), "connection"],
  [withCode("57P01", "FATAL"), "connection"],
  [withCode("57P03", "FATAL"), "connection"],
  [withCode("08006"), "connection"],
  [withCode("40001", "FATAL"), "connection"],
  [withCode("XX000", "FATAL"), "connection"],
  [new Error("Connection terminated unexpectedly"), "connection"],
  [new Error("Connection terminated due to connection timeout"), "connection"],
  [new Error("Client has encountered a connection error and is not queryable"), "connection"],
  [new Error("timeout exceeded when trying to connect"), "exhausted"],
  [new Error("Query read timeout"), "timeout"],
  [withCode("40001"), "conflict"],
  [withCode("25006"), "read-only"],
  [withCode("0A000"), "recovery"],
  [withCode("55000"), "recovery"],
  [withCode("28P01", "FATAL"), "statement"],
  [withCode("3D000", "FATAL"), "statement"],
  [withCode("42703"), "statement"],
  [withCode("57014"), "statement"],
  [new TypeError("values.map is not a function"), "statement"],
  ["a string", "statement"],
  [undefined, "statement"],
] as const)("%o: %s", (error, failure) => {
  expect(failureOf(error)).toBe(failure);
});
