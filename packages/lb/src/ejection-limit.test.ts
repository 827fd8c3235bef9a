import fc from "fast-check";
import { expect, test } from "vitest";
import { mayEject } from "./ejection-limit.ts";

/** How many of `total` can be ejected one after the other. */
function mostEjected(total: number, maxEjectedShare?: number): number {
  let ejected = 0;
  while (mayEject(ejected, total, maxEjectedShare)) ejected++;
  return ejected;
}

test.each([
  [0, 0],
  [1, 0],
  [2, 1],
  [3, 1],
  [4, 2],
  [5, 2],
  [10, 5],
])("of %d targets, %d may be out", (total, most) => {
  expect(mostEjected(total)).toBe(most);
});

test.each([
  [4, 0.1, 1],
  [4, 0, 1],
  [2, 1, 1],
  [4, 1, 3],
  [10, 0.3, 3],
  [100, 0.29, 29],
  [3, 2 / 3, 2],
  [1, 1, 0],
])("of %d targets with a share of %f, %d may be out", (total, share, most) => {
  expect(mostEjected(total, share)).toBe(most);
});

test("when more are out than may be, because targets have left, no more are ejected", () => {
  expect(mayEject(3, 4)).toBe(false);
  expect(mayEject(2, 2)).toBe(false);
});

const share = fc.double({ min: 0, max: 1, noNaN: true });

test("one always may be, the last one never, and no more than the share", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500 }), share, (total, maxEjectedShare) => {
      const most = mostEjected(total, maxEjectedShare);
      expect(most).toBeLessThanOrEqual(Math.max(0, total - 1));
      if (total >= 2) expect(most).toBeGreaterThanOrEqual(1);
      if (most > 1) expect(most / total).toBeLessThanOrEqual(maxEjectedShare + 1e-9);
    }),
  );
});

test("with the default share, at least half stay in rotation: ejection alone is no panic", () => {
  for (let total = 1; total <= 1_000; total++) {
    expect((total - mostEjected(total)) / total).toBeGreaterThanOrEqual(0.5);
  }
});
