import { inspect } from "node:util";
import { expect, test } from "vitest";
import { driverFailed, QueueError } from "./errors.ts";

test("an error says on which queue, and is no subclass to be found by instanceof alone", () => {
  const error = new QueueError("QUEUE_FULL", "photos", "full", { retryable: true });
  expect(error).toMatchObject({
    name: "QueueError",
    code: "QUEUE_FULL",
    queue: "photos",
    retryable: true,
  });
});

test("a driver's failure may be tried again, and shows nothing of the jobs it was about", () => {
  const cause = Object.assign(new Error("READONLY"), { command: { args: ["secret"] } });
  const error = driverFailed("photos", "redis", cause);
  expect(error).toMatchObject({ code: "QUEUE_UNAVAILABLE", retryable: true, cause });
  expect(inspect(error)).not.toContain("secret");
});
