import { expect, test } from "vitest";
import { faultySessionStore } from "./faulty-store.ts";
import { memoryStore } from "./memory-store.ts";
import { hasAnnouncer, hasListing, hasSweeper, hasUserEpochs, hasUserIndex } from "./store.ts";

const powers = [hasUserIndex, hasUserEpochs, hasSweeper, hasAnnouncer, hasListing];

test("the powers of a store are found out", () => {
  const plain = faultySessionStore(memoryStore());
  expect(powers.map((has) => has(memoryStore()))).toEqual(powers.map(() => true));
  expect(powers.map((has) => has(plain))).toEqual(powers.map(() => false));
});
