import { expect, test } from "vitest";
import type { ClaimedJob } from "../driver.ts";
import { QueueError } from "../errors.ts";
import { Attempt } from "./attempt.ts";
import { BatchGroup } from "./batch-group.ts";

const reason = new QueueError("QUEUE_LEASE_LOST", "q", "lost");

function setup() {
  const attempts = [1, 2, 3].map(() => new Attempt({} as ClaimedJob, 0));
  const group = new BatchGroup(attempts);
  for (const attempt of attempts) attempt.group = group;
  return { attempts, group };
}

test("the signal of a batch aborts when the work is for nothing for all of its jobs", () => {
  const { attempts, group } = setup();
  const { signal } = group;
  const [a, b, c] = attempts;
  a?.abort(reason);
  if (b !== undefined) b.stage = "over";
  expect(signal.aborted).toBe(false);
  c?.abort(reason);
  expect(signal.reason).toBe(reason);
});

test("who looks late sees it aborted already", () => {
  const { attempts, group } = setup();
  for (const attempt of attempts) attempt.abort(reason);
  expect(group.signal.reason).toBe(reason);
});
