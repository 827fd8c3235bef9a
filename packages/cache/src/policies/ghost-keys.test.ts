import fc from "fast-check";
import { expect, test } from "vitest";
import { GhostKeys } from "./ghost-keys.ts";

test("the oldest keys are forgotten for the newest", () => {
  const ghosts = new GhostKeys();
  for (const key of ["a", "b", "c"]) ghosts.add(key, 2);
  expect([ghosts.take("a"), ghosts.take("b"), ghosts.take("c")]).toEqual([false, true, true]);
});

test("a key is remembered once: taken, it is forgotten", () => {
  const ghosts = new GhostKeys();
  ghosts.add("a", 5);
  ghosts.add("a", 5);
  expect([ghosts.size, ghosts.take("a"), ghosts.take("a"), ghosts.size]).toEqual([
    1,
    true,
    false,
    0,
  ]);
});

test("a lower limit holds from the next key on, and one key is always remembered", () => {
  const ghosts = new GhostKeys();
  for (const key of ["a", "b", "c"]) ghosts.add(key, 3);
  ghosts.add("d", 0);
  expect([ghosts.size, ghosts.take("d")]).toEqual([1, true]);
});

test("it is the last so many different keys, without those taken", () => {
  const step = fc.record({
    kind: fc.constantFrom("add", "take"),
    key: fc.constantFrom(..."abcdefgh"),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step), (most, steps) => {
      const ghosts = new GhostKeys();
      let model: string[] = [];
      for (const { kind, key } of steps) {
        const was = model.includes(key);
        model = model.filter((each) => each !== key);
        if (kind === "add") {
          ghosts.add(key, most);
          model = [...model, key].slice(-most);
        } else expect(ghosts.take(key)).toBe(was);
        expect(ghosts.size).toBe(model.length);
      }
      ghosts.clear();
      expect(ghosts.size).toBe(0);
    }),
  );
});
