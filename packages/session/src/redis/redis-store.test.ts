import type { RedisArgument, RedisClient } from "@headroom/core/redis-client";
import { expect, test } from "vitest";
import { newSessionId, sessionKey } from "../session-id.ts";
import { redisStore } from "./redis-store.ts";

/** What is sent; what it does on a server: test/integration/session-store.test.ts. */
function recording() {
  const sent: (string | RedisArgument)[][] = [];
  const client = {
    callBuffer: async (command: string, args: RedisArgument[]) => {
      sent.push([command, ...args]);
      return command === "hgetall" ? {} : 1;
    },
    duplicate: () => client,
    disconnect: () => {},
    on: () => {},
    connect: async () => {},
  };
  return { sent, client: client as unknown as RedisClient };
}

test("a load is one HGETALL, a commit one script, and the id is in neither", async () => {
  const { sent, client } = recording();
  const store = redisStore(client, { prefix: "app:" });
  const id = newSessionId();
  const key = sessionKey(id);
  expect(await store.load(key)).toBeUndefined();
  const change = { set: new Map([["a", "1"]]), del: ["b"] };
  expect(await store.commit(key, change, { seenAtMs: 5, ttlMs: 1.5 })).toBe("ok");
  const [place, hash] = key.split(":");
  expect(sent[0]).toEqual(["hgetall", `app:{${place}}:${hash}`]);
  expect(sent[1]?.slice(0, 1).concat(sent[1].slice(2))).toEqual([
    "evalsha",
    1,
    `app:{${place}}:${hash}`,
    2,
    5,
    "",
    key,
    0,
    1,
    "f:a",
    "1",
    "f:b",
  ]);
  expect(sent).toHaveLength(2);
  expect(JSON.stringify(sent)).not.toContain(id);
});

test("a wrong client and a wrong option are named", () => {
  const { client } = recording();
  expect(() => redisStore({} as never)).toThrow(/client must be an object with callBuffer/);
  expect(() => redisStore(client, { perfix: "a" } as never)).toThrow(/did you mean "prefix"/);
  expect(() => redisStore(client, { announceChanges: 1 } as never)).toThrow(
    /announceChanges must be true or false/,
  );
});
