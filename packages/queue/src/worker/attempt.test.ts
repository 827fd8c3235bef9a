import { expect, test } from "vitest";
import type { ClaimedJob } from "../driver.ts";
import { QueueError } from "../errors.ts";
import { Attempt } from "./attempt.ts";

const first = new QueueError("QUEUE_TIMEOUT", "q", "first");
const second = new QueueError("QUEUE_STOPPING", "q", "second");

test("the first reason to abort stays, for those who look before and after", () => {
  const early = new Attempt({} as ClaimedJob, 0);
  const { signal } = early;
  expect(signal.aborted).toBe(false);
  early.abort(first);
  early.abort(second);
  expect([signal.reason, early.aborted, early.signal]).toEqual([first, first, signal]);

  const late = new Attempt({} as ClaimedJob, 0);
  late.abort(first);
  expect(late.signal.reason).toBe(first);
});
