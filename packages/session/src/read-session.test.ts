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
  const context = new SessionContext(rules);
  const read = (key: string) => readSession(context, context.carrier.open(undefined).store, key);
  return { store, faulty, clock, read };
}

test("what is there is found, what is not is certain not to be", async () => {
  const { read } = await setup();
  expect(await read("key")).toMatchObject({ stored: { meta: { userId: "ann" } } });
  expect(await read("other")).toEqual({ stored: undefined, isCertain: true });
});

test("a session past its absolute end is none, and is removed", async () => {
  const { read, clock, store } = await setup({ absoluteMs: 1_000 });
  await clock.advance(1_000);
  expect(await read("key")).toEqual({ stored: undefined, isCertain: true });
  expect(await store.load("key")).toBeUndefined();
});

test("a session from before a hard revoke is none", async () => {
  const { store } = fixture();
  const { read } = await setup({ store, hardRevoke: true });
  const meta = { createdAtMs: Date.UTC(2100, 0), userId: "ann", epoch: 0 };
  await store.create("a", { fields: new Map(), meta, seenAtMs: 0, ttlMs: 1e9 });
  expect((await read("a")).stored).toBeDefined();
  await store.raiseEpoch("ann");
  expect((await read("a")).stored).toBeUndefined();
});

test.each([
  ["anonymous", undefined],
  ["readonly", { userId: "ann" }],
] as const)("while the store is out, by the policy %s", async (onStoreError, meta) => {
  const { read, faulty } = await setup({ onStoreError });
  await read("key");
  faulty.fault = "fail";
  const { stored, isCertain } = await read("key");
  expect(isCertain).toBe(false);
  if (meta === undefined) expect(stored).toBeUndefined();
  else expect(stored?.meta).toMatchObject(meta);
});

test("by the policy fail it throws", async () => {
  const { read, faulty } = await setup();
  faulty.fault = "fail";
  await expect(read("key")).rejects.toMatchObject({ status: 503 });
});
