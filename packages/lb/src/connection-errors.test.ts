import { expect, test } from "vitest";
import { ConnectError, NoFreeConnectionError } from "./connection-errors.ts";

test("both are errors of the load balancer, which may be tried again later", () => {
  const cause = new Error("connect ECONNREFUSED 10.0.0.1:25");
  expect(new ConnectError("mail", "10.0.0.1:25", cause)).toMatchObject({
    name: "LbError",
    code: "LB_UPSTREAM",
    message: 'load balancer "mail" could not open a connection to 10.0.0.1:25',
    retryable: true,
    pool: "mail",
    target: "10.0.0.1:25",
    attempts: 1,
    cause,
  });
  expect(new NoFreeConnectionError("mail", "10.0.0.1:25", 5, cause)).toMatchObject({
    name: "LbError",
    code: "LB_OVERLOADED",
    message:
      'load balancer "mail": all 5 connections to 10.0.0.1:25 are in use: try again later, or raise max',
    retryable: true,
    cause,
  });
});
