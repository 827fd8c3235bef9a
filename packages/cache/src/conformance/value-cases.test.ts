// That a right store passes, store-conformance.test.ts shows. Here: that a wrong one does not.
import { expect, test } from "vitest";
import { firstFailure, type Mistake } from "../../test/mistaken-store.ts";
import { valueCases } from "./value-cases.ts";

const mistakes: Record<string, Mistake> = {
  "keeps what was invalidated": () => ({ invalidate: async () => {} }),
  "answers in another order": (right) => ({
    read: async (keys) => [...(await right.read(keys))].reverse(),
  }),
  "ignores the end of a value": (right) => ({
    write: (writes) => right.write(writes.map((each) => ({ ...each, ttlMs: 1e9 }))),
  }),
  "takes bytes of any partition": (right) => ({
    write: (writes) => right.write(writes.map((each) => ({ ...each, partition: 0 }))),
  }),
  "confuses braces": (right) => {
    const plain = (key: string) => key.replaceAll(/[{}]/g, "");
    return {
      read: (keys) => right.read(keys.map(plain)),
      write: (writes) => right.write(writes.map((each) => ({ ...each, key: plain(each.key) }))),
    };
  },
};

test.each(Object.entries(mistakes))("a store that %s is found", async (_, mistake) => {
  await expect(firstFailure(valueCases, mistake)).resolves.toBeTypeOf("string");
});
