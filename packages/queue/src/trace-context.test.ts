import { expect, test } from "vitest";
import { jobHeaders, NO_HEADERS } from "./trace-context.ts";

const TRACE = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const OTHER = `00-${"c".repeat(32)}-${"d".repeat(16)}-00`;

test("without headers and trace there is nothing, and nothing is built", () => {
  expect(jobHeaders(undefined, undefined)).toBe(NO_HEADERS);
  expect(jobHeaders(undefined, () => undefined)).toBe(NO_HEADERS);
});

test("the trace under way travels with the job, with what the caller adds", () => {
  const trace = () => ({ traceparent: TRACE, tracestate: "a=1" });
  expect(jobHeaders({ tenant: "x" }, trace)).toEqual({
    traceparent: TRACE,
    tracestate: "a=1",
    tenant: "x",
  });
});

test("a parent of the caller's goes before, and does not take another trace's state along", () => {
  const trace = () => ({ traceparent: TRACE, tracestate: "a=1" });
  expect(jobHeaders({ traceparent: OTHER }, trace)).toEqual({ traceparent: OTHER });
  expect(jobHeaders({ traceparent: OTHER, tracestate: "b=2" }, trace)).toEqual({
    traceparent: OTHER,
    tracestate: "b=2",
  });
});

test.each([
  "",
  "nonsense",
  TRACE.toUpperCase(),
  `ff${TRACE.slice(2)}`,
  `${TRACE}-more`,
  `00-${"0".repeat(32)}-${"b".repeat(16)}-01`,
  `00-${"a".repeat(32)}-${"0".repeat(16)}-01`,
])("a broken trace %j is left out, and breaks nothing", (traceparent) => {
  expect(jobHeaders({ traceparent, tracestate: "a=1", tenant: "x" }, undefined)).toEqual({
    tenant: "x",
  });
});

test("a trace of a later version may be longer", () => {
  const later = `01${TRACE.slice(2)}-more`;
  expect(jobHeaders({ traceparent: later }, undefined)).toEqual({ traceparent: later });
});

test("a state without a parent, or too long, is left out", () => {
  expect(jobHeaders({ tracestate: "a=1" }, undefined)).toEqual({});
  const tracestate = "x".repeat(513);
  expect(jobHeaders({ traceparent: TRACE, tracestate }, undefined)).toEqual({ traceparent: TRACE });
});

test("a header that is wrong is the application's mistake", () => {
  expect(() => jobHeaders({ "Not Lower": "x" }, undefined)).toThrow(TypeError);
  expect(() => jobHeaders({ __proto__x: "x" }, undefined)).toThrow("name");
  expect(() => jobHeaders({ a: 1 as unknown as string }, undefined)).toThrow('header "a"');
  expect(() => jobHeaders({ a: "x".repeat(9_000) }, undefined)).toThrow(RangeError);
});
