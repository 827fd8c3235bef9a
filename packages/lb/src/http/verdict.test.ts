import { expect, test, vi } from "vitest";
import { ABANDONED, FAILED, REFUSED, SUCCESS } from "../outcome.ts";
import { judgeAnswer, judgeError } from "./verdict.ts";

const clock = { now: () => 0 };
const answer = (statusCode: number) => ({ statusCode, headers: [] });
const facts = { requestStarted: true, answerStarted: false };
const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });

test("answers", () => {
  const now = vi.fn(() => 0);
  const rules = { classify: undefined, clock: { now } };
  for (const status of [200, 204, 302, 399])
    expect(judgeAnswer(rules, answer(status))).toBe(SUCCESS);
  expect(now).not.toHaveBeenCalled();
  expect(judgeAnswer(rules, answer(404))).toBe(SUCCESS);
  expect(judgeAnswer(rules, answer(503))).toEqual(FAILED);
});

test("the application's own rule comes first", () => {
  const classify = vi.fn(() => ABANDONED);
  expect(judgeAnswer({ classify, clock }, answer(200))).toBe(ABANDONED);
  expect(classify).toHaveBeenCalledWith({ type: "answer", ...answer(200) });
  const failure = judgeError({ classify }, refused, false, facts);
  expect(failure).toEqual({ reason: "refused", outcome: ABANDONED, sent: "maybe" });
  expect(classify).toHaveBeenLastCalledWith({ type: "error", error: refused });
});

test("one that has no opinion leaves it to the built-in rules", () => {
  const classify = () => undefined;
  expect(judgeAnswer({ classify, clock }, answer(500))).toEqual(FAILED);
  expect(judgeError({ classify }, refused, false, facts).outcome).toEqual(REFUSED);
});

test("the failure of the body's own source is the caller's, whatever its code", () => {
  const failure = judgeError({ classify: undefined }, refused, true, facts);
  expect(failure).toEqual({ reason: "caller", outcome: ABANDONED, sent: "maybe" });
});
