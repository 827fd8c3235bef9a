import fc from "fast-check";
import { expect, test } from "vitest";
import { type HttpBehaviour, requireScript } from "./http-behaviour.ts";
import { HttpScriptPlayer } from "./http-script-player.ts";

const aPhase = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function statuses(behaviours: readonly HttpBehaviour[], phase: number, count: number): number[] {
  const player = new HttpScriptPlayer(behaviours, phase);
  return Array.from({ length: count }, () => player.next().status ?? 200);
}

test("one behaviour is for every request", () => {
  expect(statuses([{ status: 503 }], 0, 3)).toEqual([503, 503, 503]);
});

test("a list is one behaviour a request, and its last one stays", () => {
  expect(statuses([{ status: 500 }, {}, { status: 404 }], 0, 5)).toEqual([500, 200, 404, 404, 404]);
});

test("a share is exact in any window where it is a whole number of requests", () => {
  fc.assert(
    fc.property(aPhase, fc.nat(100), fc.nat(200), (phase, percent, start) => {
      const all = statuses([{ status: 503, share: percent / 100 }], phase, start + 100);
      const window = all.slice(start);
      expect(window.filter((status) => status === 503)).toHaveLength(percent);
    }),
  );
});

test("a share is less than one request off in any other window", () => {
  const aShare = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(aPhase, aShare, fc.nat(300), (phase, share, count) => {
      const hits = statuses([{ status: 503, share }], phase, count).filter((one) => one === 503);
      expect(Math.abs(hits.length - count * share)).toBeLessThan(1.001);
    }),
  );
});

test("the seed moves the pattern, it does not change the count", () => {
  const half = [{ status: 503, share: 0.5 }];
  expect(statuses(half, 0, 4)).toEqual([200, 503, 200, 503]);
  expect(statuses(half, 0.5, 4)).toEqual([503, 200, 503, 200]);
});

test("a wrong script is refused where it is given", () => {
  expect(() => requireScript([])).toThrow("behaviours must be an integer of at least 1, got 0");
  expect(() => requireScript({ share: 1.5 })).toThrow("share must be a number from 0 to 1");
  expect(() => requireScript([{}, { delayMs: -1 }])).toThrow(RangeError);
  expect(() => requireScript({ status: 101 })).toThrow("status must be an integer of at least 200");
  expect(() => requireScript({ status: 600 })).toThrow("status must be at most 599, got 600");
  const slowBody = { chunkBytes: 1, everyMs: 1, chunks: 0 };
  expect(() => requireScript({ slowBody })).toThrow("slowBody.chunks must be an integer");
});
