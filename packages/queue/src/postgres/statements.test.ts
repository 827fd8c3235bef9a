import { EventEmitter } from "node:events";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { Statements } from "./statements.ts";

/** Statements on a server that answers as `answer` says. */
function on(answer: (text: string) => unknown, migrate = false) {
  const texts: string[] = [];
  const query = async (text: string) => {
    texts.push(text);
    return { rows: [(await answer(text)) as Record<string, unknown>] };
  };
  const client = Object.assign(new EventEmitter(), { query, release: () => {} });
  const pool = { query, connect: async () => client };
  const clock = createManualClock();
  const statements = new Statements({ pool, schema: "app", migrate, timeoutMs: 100, clock });
  return { statements, texts };
}

const error = (code: string): Error => Object.assign(new Error("of the server"), { code });

test("a statement runs after the tables are there, which are made once", async () => {
  const { statements, texts } = on(() => ({ version: null }), true);
  await Promise.all([
    statements.run("photos", "SELECT 1", []),
    statements.run("photos", "SELECT 2", []),
  ]);
  expect(texts.map((text) => text.trim().slice(0, 20))).toEqual([
    "SELECT max(version) ",
    "SELECT pg_advisory_x",
    "SELECT 1",
    "SELECT 2",
  ]);
});

test("a migration that fails is tried again by the next statement", async () => {
  let fails = true;
  const { statements } = on(() => {
    if (fails) throw error("57P03");
    return { version: 1 };
  }, true);
  await expect(statements.run("photos", "SELECT 1", [])).rejects.toMatchObject({
    code: "QUEUE_UNAVAILABLE",
  });
  fails = false;
  await expect(statements.run("photos", "SELECT 1", [])).resolves.toBeDefined();
});

test.each(["40001", "40P01"])(
  "what was undone for others (%s) is tried again, some times",
  async (code) => {
    let failures = 3;
    const { statements, texts } = on(() => {
      if (failures-- > 0) throw error(code);
      return {};
    });
    await statements.run("photos", "SELECT 1", []);
    expect(texts).toHaveLength(4);
    failures = 99;
    await expect(statements.run("photos", "SELECT 1", [])).rejects.toMatchObject({
      code: "QUEUE_UNAVAILABLE",
      retryable: true,
      queue: "photos",
    });
  },
);

test("in a transaction errors come out as they are, and nothing is tried again", async () => {
  const { statements, texts } = on(() => ({}));
  let calls = 0;
  const tx = {
    query: () => {
      calls++;
      return Promise.reject(error("40001"));
    },
  };
  await expect(statements.runIn(tx, "photos", "SELECT 1", [])).rejects.toMatchObject({
    code: "40001",
  });
  expect(calls).toBe(1);
  await expect(statements.runIn(tx, "photos", "SELECT 1", [])).rejects.toThrow();
  expect(texts, "the queue is made known once, outside").toEqual(['SELECT "app".queue_id($1)']);
});

test("a lost lease in a transaction has its own error, also in a query builder's", async () => {
  const { statements } = on(() => ({}));
  for (const reason of [error("HR001"), new Error("builder", { cause: error("HR001") })]) {
    const tx = { query: () => Promise.reject(reason) };
    await expect(statements.runIn(tx, "photos", "SELECT 1", [])).rejects.toMatchObject({
      code: "QUEUE_LEASE_LOST",
    });
  }
});
