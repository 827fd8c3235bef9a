import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test, vi } from "vitest";
import { writeInterim } from "./interim-answer.ts";

function written(statusCode: number, headers: string[], httpVersionMinor = 1) {
  const response = { writeProcessing: vi.fn(), writeEarlyHints: vi.fn() };
  const raw = headers.map((text) => Buffer.from(text));
  const request = { httpVersionMajor: 1, httpVersionMinor } as IncomingMessage;
  writeInterim(request, response as unknown as ServerResponse, statusCode, raw);
  return response;
}

test("early hints are passed on", () => {
  const { writeEarlyHints } = written(103, ["Link", "</a.css>; rel=preload", "X-Id", "1"]);
  expect(writeEarlyHints).toHaveBeenCalledWith({ link: "</a.css>; rel=preload", "x-id": "1" });
});

test("so is 102; 100 was answered already", () => {
  expect(written(102, []).writeProcessing).toHaveBeenCalledOnce();
  const { writeProcessing, writeEarlyHints } = written(100, []);
  expect(writeProcessing).not.toHaveBeenCalled();
  expect(writeEarlyHints).not.toHaveBeenCalled();
});

test("a client of HTTP/1.0 gets none", () => {
  expect(written(102, [], 0).writeProcessing).not.toHaveBeenCalled();
});
