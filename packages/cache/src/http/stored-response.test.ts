import { expect, test } from "vitest";
import { lifetimeOf, satisfies, storedResponse, variantOf, varyNames } from "./stored-response.ts";

test.each<[string, number, number, number]>([
  ["max-age=60", 60, 0, 0],
  ["max-age=60, s-maxage=10", 10, 0, 0],
  ["public, max-age=60, stale-while-revalidate=5, stale-if-error=9", 60, 5, 9],
  ["max-age=60, stale-if-error=9, must-revalidate", 60, 0, 0],
  ["max-age=0", 0, 0, 0],
  ["max-age=x", 0, 0, 0],
])("Cache-Control: %s is fresh for %d s, then stale for %d and %d", (control, fresh, swr, sie) => {
  const lifetime = lifetimeOf({}, { status: 200, headers: { "cache-control": control } }, 0);
  const expected = {
    freshMs: fresh * 1_000,
    staleWhileRevalidateMs: swr * 1_000,
    staleIfErrorMs: sie * 1_000,
  };
  expect(lifetime).toEqual(fresh === 0 ? undefined : expected);
});

test("headers of the connection are not kept, and an age that it came with counts", () => {
  const lifetime = { freshMs: 60_000, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
  const headers = { age: "20", connection: "close", "content-type": "text/plain", vary: "X-A" };
  const stored = storedResponse(
    { "x-a": "1" },
    { status: 200, headers },
    new Uint8Array(3),
    lifetime,
    5,
  );
  expect(stored).toEqual({
    status: 200,
    headers: { "content-type": "text/plain", vary: "X-A" },
    body: new Uint8Array(3),
    vary: { "x-a": "1" },
    storedAtMs: 5,
    ageMs: 20_000,
    lifetime: { ...lifetime, freshMs: 40_000 },
  });
  expect(satisfies(stored, { "x-a": " 1 " })).toBe(true);
  expect(satisfies(stored, { "x-a": "2" })).toBe(false);
  expect(satisfies(stored, {})).toBe(false);
});

test("names of Vary are read in any case, order and number", () => {
  expect(varyNames({ vary: "B, a ,b" })).toEqual(["a", "b"]);
  expect(varyNames({ vary: ["A", "*"] })).toBe("*");
  expect(varyNames({})).toEqual([]);
});

test("codings count by what is acceptable, not by how it is written", () => {
  const of = (value: string) =>
    variantOf(["accept-encoding"], { "accept-encoding": value })["accept-encoding"];
  expect(of("gzip, br")).toBe(of("br;q=0.5,gzip;q=1.0, deflate;q=0"));
  expect(of("gzip")).not.toBe(of("br"));
  expect(variantOf(["accept-encoding"], {})).toEqual({ "accept-encoding": null });
});
