// What it hears is shown on real servers (test/integration/cache-*.test.ts).
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { redisBus } from "./redis-bus.ts";

function client(): Redis {
  const redis = new Redis({ lazyConnect: true });
  onTestFinished(() => redis.disconnect());
  return redis;
}

test("nothing connects before the cache starts it", () => {
  const redis = client();
  expect(redisBus(redis)).toBeTypeOf("function");
  expect(redis.status).toBe("wait");
});

test.each([
  [{ heartbeat: 5 }, 'redisBus: unknown option "heartbeat", did you mean "heartbeatMs"?'],
  [{ heartbeatMs: 0 }, "heartbeatMs must be a positive number of milliseconds, got 0"],
  [{ keyPrefix: "a}" }, 'keyPrefix must be without braces, got "a}"'],
])("%o is refused", (options, message) => {
  expect(() => redisBus(client(), options as object)).toThrow(message);
});
