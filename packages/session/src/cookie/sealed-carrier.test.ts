import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { cookieRules } from "../http/cookie-rules.ts";
import { newSessionId, sessionKey } from "../session-id.ts";
import { SealedCarrier } from "./sealed-carrier.ts";

const parts = {
  cookie: cookieRules({}),
  secrets: ["s".repeat(32)],
  clock: createManualClock(),
};

test("the first cookie of the name that opens is taken, and leaves with what was changed", async () => {
  const carrier = new SealedCarrier(parts);
  const [id, made] = [newSessionId(), carrier.open(undefined)];
  expect(made.id).toBeUndefined();
  const touch = { seenAtMs: 0, ttlMs: 1_000 };
  const session = { fields: new Map([["a", "1"]]), meta: { createdAtMs: 0 }, ...touch };
  await made.store.create(sessionKey(id), session);
  const value = made.cookieValue(id);
  const opened = carrier.open(`__Host-sid=forged; __Host-sid=${value}`);
  expect(opened).toMatchObject({ id, isOld: false });
  expect((await opened.store.load(sessionKey(id)))?.fields.get("a")).toBe("1");
});
