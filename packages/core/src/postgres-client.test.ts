import { EventEmitter } from "node:events";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  isPostgresConflict,
  onPostgres,
  type PostgresPool,
  postgresArray,
  postgresState,
  quotedSchema,
} from "./postgres-client.ts";
import { createManualClock } from "./testing.ts";

/** A pool of one client, and what has become of it. */
function pooled(query: (text: string) => Promise<{ rows: [] }>, connecting?: Promise<void>) {
  const released: unknown[] = [];
  const client = Object.assign(new EventEmitter(), {
    query,
    release: (destroy?: boolean) => released.push(destroy),
  });
  const pool: PostgresPool = {
    query,
    connect: async () => {
      await connecting;
      return client;
    },
  };
  const clock = createManualClock();
  const run = () =>
    onPostgres(pool, { timeoutMs: 100, what: "the claim", clock }, (lent) =>
      lent.query("SELECT 1"),
    );
  return { client, released, clock, run };
}

const rejecting = (code?: string) => () => Promise.reject(Object.assign(new Error("it"), { code }));

test("a connection is given back after its work", async () => {
  const { run, released, client, clock } = pooled(async () => ({ rows: [] }));
  expect(await run()).toEqual({ rows: [] });
  expect(released).toEqual([false]);
  expect(client.listenerCount("error")).toBe(0);
  expect(clock.pending).toBe(0);
});

test.each([
  ["23505", false],
  ["40001", false],
  ["57P01", true],
  ["08006", true],
  ["25006", true],
  ["ECONNRESET", true],
  [undefined, true],
])("after an error %s it is closed: %s", async (code, closed) => {
  const { run, released } = pooled(rejecting(code));
  await expect(run()).rejects.toThrow("it");
  expect(released).toEqual([closed]);
});

test("at the deadline the connection is closed, and not twice", async () => {
  const { run, released, clock, client } = pooled(() => new Promise(() => {}));
  const running = run();
  const failed = expect(running).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  await clock.advance(100);
  await failed;
  expect(released).toEqual([true]);
  expect(client.listenerCount("error")).toBe(0);
});

test("a connection that comes after the deadline is given back unused", async () => {
  let connect: () => void = () => {};
  const connecting = new Promise<void>((resolve) => {
    connect = resolve;
  });
  const { run, released, clock } = pooled(async () => ({ rows: [] }), connecting);
  const failed = expect(run()).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  await clock.advance(100);
  await failed;
  connect();
  await clock.advance(0);
  expect(released).toEqual([undefined]);
});

test("a connection that breaks while it is lent is closed, and its event ends no process", async () => {
  const { run, released, clock, client } = pooled(() => new Promise(() => {}));
  const failed = expect(run()).rejects.toThrow();
  await clock.advance(0);
  client.emit("error", new Error("reset"));
  expect(released).toEqual([true]);
  await clock.advance(100);
  await failed;
  expect(released).toEqual([true]);
});

test("states and conflicts", () => {
  expect(postgresState(Object.assign(new Error(), { code: "40P01" }))).toBe("40P01");
  expect(postgresState(Object.assign(new Error(), { code: "ECONNRESET" }))).toBeUndefined();
  expect(postgresState("40P01")).toBeUndefined();
  expect(isPostgresConflict({ code: "40001" })).toBe(true);
  expect(isPostgresConflict({ code: "23505" })).toBe(false);
});

test("a schema is a plain name", () => {
  expect(quotedSchema("headroom_queue")).toBe('"headroom_queue"');
  for (const name of ["", "Queue", 'a"b', "a.b", "1a", "a".repeat(60)]) {
    expect(() => quotedSchema(name)).toThrow(TypeError);
  }
});

test("a list is written as PostgreSQL does", () => {
  expect(postgresArray([])).toBe("{}");
  expect(postgresArray(["a", undefined, 'b"\\,{}', "", "NULL", 1.5, true])).toBe(
    '{"a",NULL,"b\\"\\\\,{}","","NULL",1.5,true}',
  );
});

test("every list of texts can be read back", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (texts) => {
      // Within quotes a backslash stands before what is taken as it is.
      const read = [...postgresArray(texts).matchAll(/"((?:[^"\\]|\\[\s\S])*)"/g)];
      expect(read.map(([, text = ""]) => text.replace(/\\([\s\S])/g, "$1"))).toEqual(texts);
    }),
  );
});
