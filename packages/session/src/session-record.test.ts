import { expect, test } from "vitest";
import { fixture, SECRETS } from "../test/session-fixture.ts";
import { SessionContext } from "./session-context.ts";
import { SessionRecord } from "./session-record.ts";
import { sessionRules } from "./session-rules.ts";

// How a session behaves: session.test.ts, session-races.test.ts, session-outage.test.ts.

function setup() {
  const { faulty, store, clock } = fixture();
  const context = new SessionContext(sessionRules({ store: faulty, secrets: SECRETS, clock }));
  const record = (id?: string): SessionRecord =>
    new SessionRecord(context, { ...context.carrier.open(undefined), id });
  return { faulty, store, record, clock };
}

test("it is made when there is something to write, or when it is required", async () => {
  const { record } = setup();
  const empty = record();
  expect([empty.state, empty.isDirty]).toEqual(["none", false]);
  expect(empty.commitChanges()).toBeUndefined();
  empty.require();
  expect(await empty.commit()).toBe("ok");
  expect([empty.state, empty.isDirty]).toEqual(["exists", false]);
  expect(empty.takeCookie()).toBeDefined();
  expect(empty.takeCookie()).toBeUndefined();
});

test("several readers share one reading", async () => {
  const { record, faulty } = setup();
  const made = record();
  made.require();
  await made.commit();
  const read = record(made.id);
  await Promise.all([read.load(), read.load(), read.load()]);
  await read.load();
  expect(faulty.calls).toEqual(["create", "load"]);
});

test("of a session that was read and has ended nothing is taken into a login", async () => {
  const { record, store } = setup();
  const made = record();
  made.fields.set("cart", ["theirs"]);
  await made.commit();
  const read = record(made.id);
  await read.load();
  (read.fields.get("cart") as string[]).push("more");
  await store.destroy(made.key);
  await read.rotate({ createdAtMs: 0, userId: "ann" });
  expect(read.fields.names()).toEqual([]);
  expect((await store.load(read.key))?.fields.size).toBe(0);
  const blind = record(made.id);
  blind.fields.set("locale", "en");
  await blind.rotate({ createdAtMs: 0, userId: "ann" });
  expect(blind.fields.names()).toEqual(["locale"]);
});

test("there is no key without a session", () => {
  expect(() => setup().record().key).toThrow(TypeError);
});
