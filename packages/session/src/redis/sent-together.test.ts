import type { RedisClient } from "@headroom/core/redis-client";
import { expect, test } from "vitest";
import { sentTogether } from "./sent-together.ts";

/** How commands reach the client: each list is one write. A command "bad" fails. */
function recording({ isDown = false, isCluster = false } = {}) {
  const writes: string[][] = [];
  const answer = (command: string) =>
    command === "bad" ? new Error("WRONGTYPE") : `reply to ${command}`;
  const client = {
    callBuffer: async (command: string) => {
      writes.push([command]);
      const reply = answer(command);
      if (reply instanceof Error) throw reply;
      return reply;
    },
    pipeline() {
      const commands: string[] = [];
      return {
        callBuffer: (command: string) => void commands.push(command),
        async exec() {
          if (isDown) throw new Error("Connection is closed.");
          writes.push(commands);
          return commands.map((command) => {
            const reply = answer(command);
            return reply instanceof Error ? [reply, undefined] : [null, reply];
          });
        },
      };
    },
    ...(isCluster ? { nodes: () => [] } : {}),
  };
  return { writes, redis: sentTogether(client as unknown as RedisClient) };
}

test("commands of one turn are one write, each with its own reply", async () => {
  const { writes, redis } = recording();
  const [a, bad, b] = await Promise.allSettled([
    redis.callBuffer("a", []),
    redis.callBuffer("bad", []),
    redis.callBuffer("b", []),
  ]);
  expect(writes).toEqual([["a", "bad", "b"]]);
  expect(a).toEqual({ status: "fulfilled", value: "reply to a" });
  expect(bad).toMatchObject({ status: "rejected", reason: { message: "WRONGTYPE" } });
  expect(b).toEqual({ status: "fulfilled", value: "reply to b" });
});

test("a command that is alone goes alone, and so do those of the next turn", async () => {
  const { writes, redis } = recording();
  expect(await redis.callBuffer("a", [])).toBe("reply to a");
  await expect(redis.callBuffer("bad", [])).rejects.toThrow("WRONGTYPE");
  expect(writes).toEqual([["a"], ["bad"]]);
});

test("when the connection is lost, each of them has failed", async () => {
  const { redis } = recording({ isDown: true });
  const ended = await Promise.allSettled([redis.callBuffer("a", []), redis.callBuffer("b", [])]);
  expect(ended.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("in a Cluster each goes alone, to where its key is", async () => {
  const { writes, redis } = recording({ isCluster: true });
  await Promise.all([redis.callBuffer("a", []), redis.callBuffer("b", [])]);
  expect(writes).toEqual([["a"], ["b"]]);
});
