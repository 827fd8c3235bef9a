import { expect, test, vi } from "vitest";
import { Endpoint } from "./endpoint.ts";
import { EndpointLease } from "./lease.ts";
import { FAILED, SUCCESS } from "./outcome.ts";

const RULES = { decayMs: 10_000, initialMs: 1_000, window: {} };

test("is given back exactly once", () => {
  const endpoint = new Endpoint({ id: "a", target: "A" }, "owner", 0, RULES);
  const leaseOver = vi.fn();
  const lease = new EndpointLease({ leaseOver }, endpoint, 5, 0);
  expect(lease).toMatchObject({ id: "a", target: "A", candidate: endpoint, startedMs: 5 });
  lease.done(SUCCESS, 7);
  lease.done(FAILED);
  expect(leaseOver.mock.calls).toEqual([[lease, SUCCESS, 7]]);
});
