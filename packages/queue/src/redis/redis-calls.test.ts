import { inspect } from "node:util";
import type { RedisArgument, RedisConnection } from "@headroom/core/redis-client";
import { RedisScript } from "@headroom/core/redis-script";
import { createManualClock } from "@headroom/core/testing";
import { expect, test, vi } from "vitest";
import { RedisCalls } from "./redis-calls.ts";
import { redisDriverRules } from "./redis-driver-options.ts";

type Answer = (command: string, args: RedisArgument[]) => unknown;

const client = (answer: Answer): RedisConnection => ({
  callBuffer: async (command, args) => answer(command, args),
  connect: () => Promise.resolve(),
  duplicate: () => client(answer),
  disconnect: () => {},
  on: () => {},
});

const script = new RedisScript("return 1");

function setup(answer: Answer, policy: unknown = ["maxmemory-policy", "noeviction"]) {
  const clock = createManualClock();
  const sent: string[] = [];
  const whole: Answer = (command, args) => {
    sent.push(command);
    if (command === "info") return Buffer.from("redis_version:7.0.15");
    if (command === "config" && policy instanceof Error) throw policy;
    return command === "config" ? policy : answer(command, args);
  };
  const calls = new RedisCalls(client(whole), redisDriverRules({ clock, timeoutMs: 100 }));
  const run = (late?: (reply: unknown) => void) => calls.run("q", script, "hrq:{q}", [1], late);
  return { clock, sent, calls, run };
}

test("the server is checked before the first call, and once", async () => {
  const { sent, run } = setup((_, args) => args);
  const [one] = await Promise.all([run(), run()]);
  await run();
  expect(one).toEqual([script.sha, 1, "hrq:{q}", 1]);
  expect(sent.sort()).toEqual(["config", "evalsha", "evalsha", "evalsha", "info"]);
});

test("a check that failed is made again", async () => {
  const { sent, run } = setup(() => 1, Object.assign(new Error("closed"), { code: "ECONNRESET" }));
  for (let round = 0; round < 2; round++) {
    await expect(run()).rejects.toMatchObject({
      code: "QUEUE_UNAVAILABLE",
      retryable: true,
      cause: { code: "ECONNRESET" },
    });
  }
  expect(sent.filter((command) => command === "config")).toHaveLength(2);
});

test("a policy that is not told is warned of, once", async () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const { run } = setup(() => 1, []);
  await run();
  await run();
  expect(warned).toHaveBeenCalledTimes(1);
  warned.mockRestore();
});

test("a failure is one of ours, without what was sent", async () => {
  const { run } = setup(() => {
    throw Object.assign(new Error("OOM command not allowed, secret"), {
      name: "ReplyError",
      command: { args: ["secret"] },
    });
  });
  const error = await run().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "QUEUE_UNAVAILABLE", retryable: true, queue: "q" });
  expect(inspect(error)).toContain("OOM");
  expect(inspect(error)).not.toContain("secret");
});

test("a call that is not answered fails in time; what comes later may be undone", async () => {
  let reply: (value: unknown) => void = () => {};
  const { clock, run } = setup(() => new Promise((resolve) => (reply = resolve)));
  const late: unknown[] = [];
  const outcome = run((value) => late.push(value)).catch((error: unknown) => error);
  await clock.advance(100);
  expect(await outcome).toMatchObject({ code: "QUEUE_UNAVAILABLE" });
  reply("late");
  await clock.advance(0);
  expect(late).toEqual(["late"]);
});

test("nothing is sent after it was closed", async () => {
  const { calls, sent, run } = setup(() => 1);
  calls.close();
  await expect(run()).rejects.toMatchObject({ code: "QUEUE_CLOSED" });
  expect(() => calls.requireOpen("q")).toThrow(/closed/);
  expect(sent).toEqual([]);
});
