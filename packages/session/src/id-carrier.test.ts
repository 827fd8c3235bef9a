import { expect, test } from "vitest";
import { cookieRules } from "./http/cookie-rules.ts";
import { IdCarrier } from "./id-carrier.ts";
import { memoryStore } from "./memory-store.ts";
import { newSessionId } from "./session-id.ts";
import { CookieSigner } from "./signed-cookie.ts";

const [cookie, store] = [cookieRules({}), memoryStore()];
const signer = new CookieSigner(cookie.name, ["s".repeat(32)]);

test("an id whose signature is right is taken, others are not asked for", () => {
  const carrier = new IdCarrier({ store, cookie, signer });
  const id = newSessionId();
  const value = carrier.open(undefined).cookieValue(id);
  expect(carrier.open(`__Host-sid=${value}`)).toMatchObject({ id, isOld: false, store });
  expect(carrier.open(`__Host-sid=${value}x`).id).toBeUndefined();
});

test("a session that another library began is asked for when there is none of ours", () => {
  const foreign = memoryStore();
  const openForeign = (header: string | undefined) =>
    header?.includes("theirs") ? { id: "theirs", store: foreign } : undefined;
  const carrier = new IdCarrier({ store, cookie, signer, openForeign });
  expect(carrier.open("a=theirs")).toMatchObject({ id: "theirs", store: foreign });
  expect(carrier.open("a=b").id).toBeUndefined();
  const id = newSessionId();
  expect(carrier.open(`__Host-sid=${signer.sign(id)}; a=theirs`).id).toBe(id);
});
