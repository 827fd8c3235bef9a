import { PassThrough } from "node:stream";
import type { Dispatcher } from "undici";
import { expect, test, vi } from "vitest";
import { callerOf } from "./caller.ts";

const raw = (...texts: string[]): Buffer[] => texts.map((each) => Buffer.from(each));

/** A newer handler that remembers its controller. */
function modern(events: Dispatcher.DispatchHandler = {}) {
  const heard: unknown[] = [];
  let controller: Dispatcher.DispatchController | undefined;
  const caller = callerOf({
    onRequestStart(given, context) {
      controller = given;
      heard.push(["start", context]);
    },
    onResponseStart: (_controller, ...given) => void heard.push(["headers", ...given]),
    onResponseData: (_controller, chunk) => void heard.push(["data", String(chunk)]),
    onResponseEnd: (_controller, trailers) => void heard.push(["end", trailers]),
    onResponseError: (_controller, error) => void heard.push(["error", error]),
    onRequestUpgrade: (_controller, ...given) => void heard.push(["upgrade", ...given.slice(0, 2)]),
    ...events,
  });
  return { caller, heard, controller: () => controller as Dispatcher.DispatchController };
}

test("the older kind is taken as it is", () => {
  const older = { onConnect() {}, onError() {} };
  expect(callerOf(older)).toBe(older);
});

test.each([null, undefined, "x", {}, { onConnect() {} }, { onError() {} }])(
  "%o is no handler",
  (handler) => {
    expect(() => callerOf(handler as never)).toThrow(
      expect.objectContaining({ code: "UND_ERR_INVALID_ARG" }),
    );
  },
);

test("the newer kind gets headers as an object, and raw at its controller", () => {
  const { caller, heard, controller } = modern();
  const context = {};
  caller.onConnect(() => {}, context);
  const headers = raw("X-A", "1", "set-cookie", "a=1", "Set-Cookie", "b=2");
  caller.onHeaders(200, headers, () => {}, "OK");
  caller.onData(Buffer.from("x"));
  const trailers = raw("x-sum", "1");
  caller.onComplete(trailers);
  expect(heard).toEqual([
    ["start", context],
    ["headers", 200, { "x-a": "1", "set-cookie": ["a=1", "b=2"] }, "OK"],
    ["data", "x"],
    ["end", { "x-sum": "1" }],
  ]);
  expect(controller().rawHeaders).toBe(headers);
  expect(controller().rawTrailers).toBe(trailers);
});

test("trailers of HTTP/2 are an object already", () => {
  const { caller, heard } = modern();
  caller.onConnect(() => {}, {});
  caller.onComplete({ "x-sum": "1" });
  expect(heard.at(-1)).toEqual(["end", { "x-sum": "1" }]);
});

test("pause and resume", () => {
  const { caller, controller } = modern();
  caller.onConnect(() => {}, {});
  controller().pause();
  const resume = vi.fn();
  expect(caller.onHeaders(200, [], resume, "")).toBe(false);
  expect(controller().paused).toBe(true);
  controller().resume();
  controller().resume();
  expect(resume).toHaveBeenCalledOnce();
  expect(caller.onData(Buffer.from("x"))).toBe(true);
  controller().pause();
  expect(caller.onData(Buffer.from("x"))).toBe(false);
});

test("abort, once", () => {
  const { caller, controller } = modern();
  const abort = vi.fn();
  caller.onConnect(abort, {});
  expect([controller().aborted, controller().reason]).toEqual([false, null]);
  const reason = new Error("enough");
  controller().abort(reason);
  controller().abort(new Error("again"));
  expect(abort.mock.calls).toEqual([[reason]]);
  expect([controller().aborted, controller().reason]).toEqual([true, reason]);
});

test("upgrade and error", () => {
  const { caller, heard } = modern();
  caller.onConnect(() => {}, {});
  caller.onUpgrade(101, raw("upgrade", "x"), new PassThrough());
  const error = new Error("broken");
  caller.onError(error);
  expect(heard.slice(1)).toEqual([
    ["upgrade", 101, { upgrade: "x" }],
    ["error", error],
  ]);
});

test("a handler may leave out what it does not need, but not the error", () => {
  const caller = callerOf({ onRequestStart() {} });
  caller.onConnect(() => {}, {});
  expect(caller.onHeaders(200, [], () => {}, "")).toBe(true);
  expect(caller.onData(Buffer.from("x"))).toBe(true);
  caller.onComplete([]);
  caller.onUpgrade(101, [], new PassThrough());
  expect(() => caller.onError(new Error("broken"))).toThrow("onResponseError");
});

test("events before the start are a mistake of ours", () => {
  const { caller } = modern();
  expect(() => caller.onData(Buffer.from("x"))).toThrow("before onConnect");
});
