// That a right store passes, store-conformance.test.ts shows. Here: that a wrong one does not.
import { expect, test } from "vitest";
import { firstFailure, type Mistake } from "../../test/mistaken-store.ts";
import { tagCases } from "./tag-cases.ts";

const mistakes: Record<string, Mistake> = {
  "does not grow": (right) => ({ bump: (tags) => Promise.all([right.tags(0, tags)]) }),
  "has another floor each time": (right) => {
    let floor = 0;
    return {
      tags: async (partition, tags) => ({ ...(await right.tags(partition, tags)), floor: ++floor }),
    };
  },
  "does not raise its floor when it has forgotten": (right) => ({
    tags: async (partition, tags) => ({ ...(await right.tags(partition, tags)), floor: 0 }),
  }),
  "knows partitions that are not there": (right) => ({
    tags: (_, tags) => right.tags(0, tags),
  }),
  "forgets a tag": (right) => ({ bump: ([, ...tags]) => right.bump(tags) }),
};

test.each(Object.entries(mistakes))("a store that %s is found", async (_, mistake) => {
  await expect(firstFailure(tagCases, mistake)).resolves.toBeTypeOf("string");
});
