import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { memoryStore } from "../memory-store.ts";
import { deleting, sessionStoreCase, setting, TOUCH } from "./conformance-bench.ts";

test("a case works with a session of its own, and lets time pass by the tester's means", async () => {
  const clock = createManualClock();
  const store = memoryStore({ clock });
  const pass = async (ms: number): Promise<void> => void (await clock.advance(ms));
  await sessionStoreCase("", async (bench) => {
    const [key, other] = [bench.key(), bench.key()];
    expect(key).not.toBe(other);
    const [from, to] = bench.keys();
    expect(from.slice(0, 8)).toBe(to.slice(0, 8));
    expect(await bench.create(key, { a: "1" })).toBe(true);
    expect(await bench.fields(key)).toEqual({ a: "1" });
    expect(await store.commit(key, setting({ b: "2" }), TOUCH)).toBe("ok");
    expect(await store.commit(key, deleting("a"), TOUCH)).toBe("ok");
    expect(await bench.fields(key)).toEqual({ b: "2" });
    await bench.pass(TOUCH.ttlMs);
    expect(await bench.fields(key)).toBeUndefined();
  }).run({ store, pass });
});
