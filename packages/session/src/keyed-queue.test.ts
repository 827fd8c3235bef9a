import { expect, test } from "vitest";
import { KeyedQueue } from "./keyed-queue.ts";

test("work of one key is done in order, also after a failure; other keys do not wait", async () => {
  const queue = new KeyedQueue();
  const done: string[] = [];
  let release = (): void => {};
  const first = queue.run("a", () => new Promise<void>((resolve) => (release = resolve)));
  const failing = queue.run("a", async () => {
    done.push("second");
    throw new Error("no");
  });
  const third = queue.run("a", async () => void done.push("third"));
  await queue.run("b", async () => void done.push("other"));
  expect(done).toEqual(["other"]);
  release();
  await first;
  await expect(failing).rejects.toThrow("no");
  await third;
  expect(done).toEqual(["other", "second", "third"]);
});
