import { expect, test } from "vitest";
import { fixture, SECRETS } from "../test/session-fixture.ts";
import { readSession } from "./read-session.ts";
import { SessionContext } from "./session-context.ts";
import { type SessionsOptions, sessionRules } from "./session-rules.ts";

async function setup(options: Partial<SessionsOptions> = {}) {
  const { store, faulty, clock } = fixture();
  const rules = sessionRules({ store: faulty, secrets: SECRETS, clock, ...options });
  const meta = { createdAtMs: clock.now(), userId: "ann" };
  await store.create("key", { fields: new Map(), meta, seenAtMs: clock.now(), ttlMs: 1e9 });
  return { store, faulty, clock, context: new SessionContext(rules) };
}

test("what is there is found, what is not is certain not to be", async () => {
  const { context } = await setup();
  expect(await readSession(context, "key")).toMatchObject({ stored: { meta: { userId: "ann" } } });
  expect(await readSession(context, "other")).toEqual({ stored: undefined, isCertain: true });
});

test("a session past its absolute end is none, and is removed", async () => {
  const { context, clock, store } = await setup({ absoluteMs: 1_000 });
  await clock.advance(1_000);
  expect(await readSession(context, "key")).toEqual({ stored: undefined, isCertain: true });
  expect(await store.load("key")).toBeUndefined();
});

test("a session from before a hard revoke is none", async () => {
  const { store } = fixture();
  const { context } = await setup({ store, hardRevoke: true });
  const meta = { createdAtMs: Date.UTC(2100, 0), userId: "ann", epoch: 0 };
  await store.create("a", { fields: new Map(), meta, seenAtMs: 0, ttlMs: 1e9 });
  expect((await readSession(context, "a")).stored).toBeDefined();
  await store.raiseEpoch("ann");
  expect((await readSession(context, "a")).stored).toBeUndefined();
});

test.each([
  ["anonymous", undefined],
  ["readonly", { userId: "ann" }],
] as const)("while the store is out, by the policy %s", async (onStoreError, meta) => {
  const { context, faulty } = await setup({ onStoreError });
  await readSession(context, "key");
  faulty.fault = "fail";
  const { stored, isCertain } = await readSession(context, "key");
  expect(isCertain).toBe(false);
  if (meta === undefined) expect(stored).toBeUndefined();
  else expect(stored?.meta).toMatchObject(meta);
});

test("by the policy fail it throws", async () => {
  const { context, faulty } = await setup();
  faulty.fault = "fail";
  await expect(readSession(context, "key")).rejects.toMatchObject({ status: 503 });
});
