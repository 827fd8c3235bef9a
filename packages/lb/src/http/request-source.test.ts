import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { RequestSource } from "./request-source.ts";
import type { RoutingDispatchOptions } from "./routing.ts";

const source = (options: Partial<RoutingDispatchOptions>, attempts = 3) =>
  new RequestSource({ path: "/", method: "GET", ...options }, attempts);

test.each([null, undefined, "text", Buffer.from("bytes"), new Uint8Array(1)])(
  "a body in memory (%o) passes as it is, any number of times",
  (body) => {
    const given = { path: "/", method: "PUT", body: body ?? null };
    const one = new RequestSource(given, 3);
    expect([one.next(), one.next()]).toEqual([given, given]);
    one.sent();
    expect([one.isReplayable, one.isHedgeable]).toEqual([true, true]);
  },
);

test("a stream of a repeatable request is kept, and sent whole again", async () => {
  const one = source({ method: "PUT", body: Readable.from(["all ", "of it"]) });
  expect(one.isHedgeable).toBe(false);
  expect(await text(one.next().body as Readable)).toBe("all of it");
  one.sent();
  expect([one.isReplayable, one.isHedgeable]).toEqual([true, true]);
  expect(String(one.next().body)).toBe("all of it");
  one.release(undefined);
  expect(one.isReplayable).toBe(false);
});

test.each([
  ["the request is not repeatable", { method: "POST" }, 3],
  ["there is one attempt only", { method: "PUT" }, 1],
] as const)(
  "a stream is passed as it is when %s; unread, it can still be sent",
  (_why, options, attempts) => {
    const body = Readable.from(["x"]);
    const one = source({ ...options, body }, attempts);
    expect(one.next().body).toBe(body);
    expect(one.isReplayable).toBe(true);
    one.sent();
    expect(one.isReplayable).toBe(false);
    expect(one.isHedgeable).toBe(false);
  },
);

test.each([
  ["GET", undefined, true],
  ["DELETE", undefined, true],
  ["POST", undefined, false],
  ["POST", true, true],
  ["GET", false, false],
] as const)("%s with idempotent %s is repeatable: %s", (method, idempotent, isRepeatable) => {
  const options = idempotent === undefined ? { method } : { method, idempotent };
  expect(source(options).isRepeatable).toBe(isRepeatable);
});

test.each([
  [{ "Idempotency-Key": "1" }, true],
  [["x", "1", "idempotency-key", "1"], true],
  [["x", "idempotency-key"], false],
  [[["IDEMPOTENCY-KEY", "1"]], true],
  [new Map([["idempotency-key", "1"]]), true],
  [new Map([["x", "1"]]), false],
  [{ x: "idempotency-key" }, false],
  [null, false],
])("headers %o hold a key: %s", (headers, isRepeatable) => {
  const one = source({ method: "POST", headers: headers as Record<string, string> });
  expect(one.isRepeatable).toBe(isRepeatable);
});

test("errors of the source are its own, others are not", async () => {
  const broken = new Error("the disk is gone");
  const other = new Error("read ECONNRESET");
  for (const method of ["PUT", "POST"]) {
    const body = new Readable({ read() {} });
    const one = source({ method, body });
    expect(one.isOwn(other)).toBe(false);
    body.on("error", () => {});
    body.destroy(broken);
    await new Promise((resolve) => body.once("close", resolve));
    expect(one.isOwn(broken)).toBe(true);
  }
  expect(source({}).isOwn(other)).toBe(false);
});

test("why a body cannot be sent again", async () => {
  const body = new Readable({ read() {} });
  const one = source({ method: "PUT", body });
  expect(one.error.message).toContain("cannot be sent again");
  const broken = new Error("the disk is gone");
  body.destroy(broken);
  await new Promise((resolve) => body.once("close", resolve));
  expect(one.error).toBe(broken);
});

test("a body that is none is refused", () => {
  expect(() => source({ method: "PUT", body: 7 as never })).toThrow(TypeError);
});
