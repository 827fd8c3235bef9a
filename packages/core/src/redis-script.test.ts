import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { RedisArgument, RedisCommands } from "./redis-client.ts";
import { RedisScript } from "./redis-script.ts";

/** A server that knows the scripts it was sent, by hash, and answers with what was asked. */
function server(): RedisCommands & { readonly asked: unknown[][]; forget(): void } {
  const known = new Set<string>();
  const asked: unknown[][] = [];
  return {
    asked,
    forget: () => known.clear(),
    callBuffer: async (command: string, args: RedisArgument[]) => {
      asked.push([command, ...args]);
      const [script] = args;
      if (command === "eval") {
        known.add(createHash("sha1").update(String(script)).digest("hex"));
      } else if (!known.has(String(script))) {
        throw new Error("NOSCRIPT No matching script. Please use EVAL.");
      }
      return args.slice(1);
    },
  };
}

const script = new RedisScript("return {KEYS[1], ARGV[1]}");

test("a script goes by its SHA-1, and with its text only to a server that does not know it", async () => {
  const redis = server();
  const bytes = Buffer.from([0, 255]);
  expect(await script.run(redis, ["k"], [bytes])).toEqual([1, "k", bytes]);
  expect(await script.run(redis, ["k"], [bytes])).toEqual([1, "k", bytes]);
  const hash = createHash("sha1").update(script.source).digest("hex");
  expect(redis.asked).toEqual([
    ["evalsha", hash, 1, "k", bytes],
    ["eval", script.source, 1, "k", bytes],
    ["evalsha", hash, 1, "k", bytes],
  ]);
});

test("a server that has forgotten its scripts is taught again", async () => {
  const redis = server();
  await script.run(redis, ["k"], [1]);
  redis.forget();
  expect(await script.run(redis, ["k"], [2])).toEqual([1, "k", 2]);
});

test.each([[new Error("OOM command not allowed")], ["no error at all"]])(
  "any other failure (%s) is the caller's, and nothing is sent twice",
  async (failure) => {
    let calls = 0;
    const redis: RedisCommands = {
      callBuffer: () => {
        calls += 1;
        return Promise.reject(failure);
      },
    };
    await expect(script.run(redis, ["k"], [])).rejects.toBe(failure);
    expect(calls).toBe(1);
  },
);
