/** One attempt, told of things by hand: what it passes on, and that it gives its lease back once. */

import { PassThrough } from "node:stream";
import { expect, test, vi } from "vitest";
import type { Lease } from "../lease.ts";
import { ABANDONED, FAILED, SUCCESS } from "../outcome.ts";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import type { HttpTarget } from "./http-target.ts";

const lease = { id: "a" } as Lease<HttpTarget>;
const headers = [Buffer.from("x-a"), Buffer.from("1")];
const reason = new Error("enough");

function attempt(own: { readonly [Name in keyof AttemptOwner]?: unknown } = {}) {
  const owner = {
    informed: vi.fn(),
    answered: vi.fn(() => true),
    upgraded: vi.fn(),
    received: vi.fn(() => true),
    completed: vi.fn(),
    failed: vi.fn(),
    callerThrew: vi.fn(),
    giveBack: vi.fn(),
    mayResend: false,
    sending: {},
  };
  // Each test replaces what it needs; the rest are mocks.
  const given = { ...owner, ...own } as AttemptOwner;
  return { owner, attempt: new Attempt(given, lease, 0) };
}

/** An attempt whose answer has come. */
function answered() {
  const given = attempt();
  const abort = vi.fn();
  given.attempt.onConnect(abort);
  given.attempt.onHeaders(200, headers, () => {}, "OK");
  return { ...given, abort };
}

test("events go to the owner, and its wish for a pause back to undici", () => {
  const { owner, attempt: one } = attempt({ answered: () => false, received: () => false });
  one.onConnect(() => {});
  one.onResponseStarted();
  expect([one.wasSent, one.answerStarted]).toEqual([true, true]);
  expect(one.onHeaders(103, headers, () => {}, "")).toBe(true);
  expect(owner.informed).toHaveBeenCalledOnce();
  expect(one.statusCode).toBe(0);
  expect(one.onHeaders(200, headers, () => {}, "OK")).toBe(false);
  expect(one.onData(Buffer.from("x"))).toBe(false);
  one.onComplete(null);
  expect(owner.completed).toHaveBeenCalledWith(one, []);
  expect(one.isOver).toBe(true);
});

test("the lease is given back once, with the first outcome and the measured latency", () => {
  const { owner, attempt: one } = answered();
  one.latencyMs = 7;
  const trace = { over: vi.fn() };
  one.trace = trace;
  one.release(SUCCESS);
  one.release(FAILED);
  one.cancel(ABANDONED, reason);
  expect(owner.giveBack.mock.calls).toEqual([[lease, SUCCESS, 7]]);
  expect(trace.over.mock.calls).toEqual([[SUCCESS, 200, undefined]]);
});

test("cancelled before it was sent: undici is told when its turn comes", () => {
  const { owner, attempt: one } = attempt();
  one.cancel(ABANDONED, reason);
  expect(owner.giveBack).toHaveBeenCalledOnce();
  expect(() => one.onConnect(() => {})).toThrow("given up before it was sent");
  one.onError(reason);
  expect(owner.failed).not.toHaveBeenCalled();
});

test("undici sends it again by itself: only before an answer, and if that does no harm", () => {
  const { attempt: harmless } = attempt({ mayResend: true });
  harmless.onConnect(() => {});
  harmless.onConnect(() => {});
  harmless.onResponseStarted();
  expect(() => harmless.onConnect(() => {})).toThrow("another request on it was given up");
  const { attempt: upload } = attempt();
  upload.onConnect(() => {});
  expect(() => upload.onConnect(() => {})).toThrow("another request on it was given up");
  const { attempt: dropped } = answered();
  dropped.drop();
  expect(() => dropped.onConnect(() => {})).toThrow("given up before it was sent");
});

test("cancelled later: the connection is closed, and what still comes is not passed on", () => {
  const { owner, attempt: one, abort } = answered();
  one.cancel(ABANDONED, reason);
  one.cancel(FAILED, reason);
  expect(abort.mock.calls).toEqual([[reason]]);
  one.onResponseStarted();
  one.onBodySent(Buffer.from("x"));
  one.onRequestSent();
  expect(one.onHeaders(200, headers, () => {}, "")).toBe(true);
  expect(one.onData(Buffer.from("x"))).toBe(true);
  one.onComplete(null);
  one.onError(reason);
  const socket = new PassThrough();
  one.onUpgrade(101, headers, socket);
  expect(socket.destroyed).toBe(true);
  for (const event of [owner.received, owner.completed, owner.failed, owner.upgraded]) {
    expect(event).not.toHaveBeenCalled();
  }
});

test("its timer is cancelled with it", () => {
  const timer = { cancel: vi.fn(), [Symbol.dispose]() {} };
  const { attempt: one } = attempt();
  one.timer = timer;
  one.release(SUCCESS);
  expect(timer.cancel).toHaveBeenCalled();
});

test("a dropped answer is read past, but not for long", () => {
  const { owner, attempt: one, abort } = answered();
  one.drop();
  expect(one.onData(Buffer.alloc(65_536))).toBe(true);
  expect(abort).not.toHaveBeenCalled();
  expect(one.onData(Buffer.alloc(1))).toBe(true);
  expect(abort).toHaveBeenCalledOnce();
  expect(owner.received).not.toHaveBeenCalled();
});

test.each(["onComplete", "onError"] as const)("a dropped answer ends unheard: %s", (event) => {
  const { owner, attempt: one } = answered();
  one.drop();
  one[event](reason);
  expect(one.isOver).toBe(true);
  expect(owner.completed).not.toHaveBeenCalled();
  expect(owner.failed).not.toHaveBeenCalled();
});

test.each([
  ["answered", (one: Attempt) => one.onHeaders(200, headers, () => {}, "")],
  ["informed", (one: Attempt) => one.onHeaders(103, headers, () => {}, "")],
  ["received", (one: Attempt) => one.onData(Buffer.from("x"))],
  ["completed", (one: Attempt) => one.onComplete(null)],
  ["upgraded", (one: Attempt) => one.onUpgrade(101, null, new PassThrough())],
])("what the caller throws in %s is nobody's failure", (event, tell) => {
  const { owner, attempt: one } = attempt({
    [event]: () => {
      throw reason;
    },
  });
  one.onConnect(() => {});
  expect(() => tell(one)).toThrow(reason);
  // undici answers so to what was thrown.
  one.onError(reason);
  expect(owner.callerThrew.mock.calls).toEqual([[reason]]);
  expect(owner.failed).not.toHaveBeenCalled();
  expect(owner.giveBack).toHaveBeenCalledWith(lease, ABANDONED, undefined);
});

test("events of sending go to whoever wants them", () => {
  const sending = { onBodySent: vi.fn(), onRequestSent: vi.fn(), onResponseStarted: vi.fn() };
  const { attempt: one } = attempt({ sending });
  one.onBodySent(Buffer.from("x"));
  one.onRequestSent();
  one.onResponseStarted();
  for (const event of Object.values(sending)) expect(event).toHaveBeenCalledOnce();
});
