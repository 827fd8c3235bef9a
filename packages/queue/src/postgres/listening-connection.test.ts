import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { listeningOn } from "./listening-connection.ts";

function pooled(max?: number) {
  const released: unknown[] = [];
  const query = async () => ({ rows: [] });
  const client = Object.assign(new EventEmitter(), {
    query,
    release: (destroy?: boolean) => released.push(destroy),
  });
  return { pool: { query, connect: async () => client, options: { max } }, client, released };
}

test("by default the pool lends one, which is closed and not given back", async () => {
  const { pool, client, released } = pooled(10);
  const opened = await listeningOn(pool, undefined)?.();
  expect(opened?.client).toBe(client);
  client.emit("error", new Error("reset"));
  opened?.close();
  opened?.close();
  expect(released).toEqual([true]);
});

test("nothing listens when it is told not to, or the pool has but one", () => {
  expect(listeningOn(pooled(10).pool, false)).toBeUndefined();
  expect(listeningOn(pooled(1).pool, undefined)).toBeUndefined();
  expect(() => listeningOn(pooled().pool, "url" as never)).toThrow(TypeError);
});

test("a connection of its own is made, and ended, also when it cannot connect", async () => {
  let ended = 0;
  const connection = (connect: () => Promise<void>) =>
    Object.assign(new EventEmitter(), {
      connect,
      query: async () => ({ rows: [] }),
      end: async () => void ended++,
    });
  const opened = await listeningOn(pooled().pool, () => connection(async () => {}))?.();
  opened?.close();
  expect(ended).toBe(1);
  const refused = listeningOn(pooled().pool, () =>
    connection(() => Promise.reject(new Error("refused"))),
  );
  await expect(refused?.()).rejects.toThrow("refused");
  expect(ended).toBe(2);
});
