import { expect, test } from "vitest";
import { faultySessionStore } from "./faulty-store.ts";
import { memoryStore } from "./memory-store.ts";
import { type SessionsOptions, sessionRules } from "./session-rules.ts";

const store = memoryStore();
const secrets = ["s".repeat(32)];

test("the defaults are those of the documentation", () => {
  expect(sessionRules({ store, secrets })).toMatchObject({
    name: "memory",
    idleMs: 1_800_000,
    absoluteMs: 43_200_000,
    touchEveryMs: 60_000,
    maxPerUser: undefined,
    hardRevoke: false,
    onStoreError: "fail",
    timeoutMs: 2_000,
    maxBytes: 65_536,
    load: "lazy",
  });
  expect(sessionRules({ store, secrets, idleMs: 60_000 }).touchEveryMs).toBe(30_000);
});

const plain = faultySessionStore(memoryStore());

test.each([
  [{ idelMs: 5 }, /did you mean "idleMs"/],
  [{ store: {} }, /store must be an object with load, create, commit/],
  [{ secrets: "a" }, /secrets must be a list/],
  [{ idleMs: 0 }, /idleMs/],
  [{ absoluteMs: "12h" }, /absoluteMs/],
  [{ touchEveryMs: 1_000_000 }, /touchEveryMs must be at most half of idleMs/],
  [{ onStoreError: "ignore" }, /onStoreError must be one of fail, anonymous, readonly/],
  [{ load: "now" }, /load must be one of lazy, prefetch, eager/],
  [{ maxPerUser: { limit: 0 } }, /maxPerUser.limit/],
  [{ maxPerUser: { limit: 1, overflow: "drop" } }, /maxPerUser.overflow must be one of/],
  [{ maxPerUser: { limit: 1 }, store: plain }, /maxPerUser needs a store that lists/],
  [{ hardRevoke: true, store: plain }, /hardRevoke needs a store that keeps an epoch/],
  [{ hardRevoke: "yes" }, /hardRevoke must be true or false/],
  [{ cookie: { name: "a b" } }, /cookie.name/],
  [{ clock: Date }, /clock/],
] as const)("%o is refused", (wrong, message) => {
  expect(() => sessionRules({ store, secrets, ...wrong } as unknown as SessionsOptions)).toThrow(
    message,
  );
});
