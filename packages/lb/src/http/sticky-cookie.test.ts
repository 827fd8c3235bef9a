import { parseSetCookie } from "cookie";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createStickyCookie,
  type StickyCookie,
  type StickyCookieOptions,
} from "./sticky-cookie.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const NEXT_SECRET = "fedcba9876543210fedcba9876543210";
const IDS = ["10.0.0.1:3000", "10.0.0.2:3000", "10.0.0.3:3000"];

function sticky(
  options: Partial<StickyCookieOptions> = {},
  ids: readonly string[] = IDS,
): StickyCookie {
  const cookie = createStickyCookie({ secret: SECRET, ...options });
  cookie.setTargets(ids);
  return cookie;
}

const tokenFor = (cookie: StickyCookie, id: string): string =>
  parseSetCookie(cookie.setCookie(id)).value ?? "";

describe("the token", () => {
  test("leads back to its target, and to no other", () => {
    const cookie = sticky();
    for (const id of IDS) expect(cookie.idOf(tokenFor(cookie, id))).toBe(id);
    expect(new Set(IDS.map((id) => tokenFor(cookie, id))).size).toBe(IDS.length);
  });

  test("tells nothing: 256 bits in base64url", () => {
    expect(tokenFor(sticky(), "10.0.0.1:3000")).toMatch(/^[\w-]{43}$/);
  });

  test("is the same in every process, and differs by secret and pool", () => {
    const token = tokenFor(sticky(), "10.0.0.1:3000");
    // printf '["default","10.0.0.1:3000"]' | openssl dgst -sha256 -hmac $SECRET -binary | base64
    expect(token).toBe("gnw3POct63j0VDZw79p6EhIjReXMX1vqZpPuGrMBOs4");
    expect(tokenFor(sticky(), "10.0.0.1:3000")).toBe(token);
    expect(sticky({ secret: NEXT_SECRET }).idOf(token)).toBeUndefined();
    expect(sticky({ pool: "other" }).idOf(token)).toBeUndefined();
  });

  test("of a target that has left means nothing, until it is back", () => {
    const cookie = sticky();
    const token = tokenFor(cookie, "10.0.0.1:3000");
    cookie.setTargets(["10.0.0.2:3000"]);
    expect(cookie.idOf(token)).toBeUndefined();
    cookie.setTargets(IDS);
    expect(cookie.idOf(token)).toBe("10.0.0.1:3000");
  });

  test("can be signed for a target that is not set yet", () => {
    const cookie = sticky({}, []);
    const token = tokenFor(cookie, "10.0.0.1:3000");
    cookie.setTargets(IDS);
    expect(cookie.idOf(token)).toBe("10.0.0.1:3000");
  });

  test("cannot be made up", () => {
    const cookie = sticky();
    const real = tokenFor(cookie, "10.0.0.1:3000");
    for (const guess of ["", "10.0.0.1:3000", real.slice(1), `${real}=`, real.toLowerCase()]) {
      expect(cookie.idOf(guess)).toBeUndefined();
    }
    fc.assert(fc.property(fc.string(), (guess) => cookie.idOf(guess) === undefined));
  });
});

describe("secrets rotate", () => {
  const before = sticky({ secret: [SECRET] });
  const both = sticky({ secret: [NEXT_SECRET, SECRET] });
  const after = sticky({ secret: NEXT_SECRET });
  const old = tokenFor(before, "10.0.0.1:3000");

  test("the first signs, all are understood", () => {
    expect(both.idOf(old)).toBe("10.0.0.1:3000");
    expect(tokenFor(both, "10.0.0.1:3000")).toBe(tokenFor(after, "10.0.0.1:3000"));
    expect(after.idOf(old)).toBeUndefined();
  });

  test("a token of an old secret is to be replaced", () => {
    expect(before.isCurrent(old, "10.0.0.1:3000")).toBe(true);
    expect(both.isCurrent(old, "10.0.0.1:3000")).toBe(false);
    expect(both.isCurrent(tokenFor(after, "10.0.0.1:3000"), "10.0.0.1:3000")).toBe(true);
    expect(both.isCurrent(tokenFor(after, "10.0.0.1:3000"), "10.0.0.2:3000")).toBe(false);
  });
});

describe("Set-Cookie", () => {
  test("is safe without options", () => {
    expect(sticky().setCookie("10.0.0.1:3000")).toBe(
      `headroom_lb=${tokenFor(sticky(), "10.0.0.1:3000")}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    );
  });

  test("has what is asked for", () => {
    const cookie = sticky({
      name: "lb",
      maxAgeSeconds: 3600,
      path: "/app",
      domain: "example.com",
      sameSite: "none",
    });
    expect(parseSetCookie(cookie.setCookie("a"))).toMatchObject({
      name: "lb",
      maxAge: 3600,
      path: "/app",
      domain: "example.com",
      sameSite: "none",
      secure: true,
      httpOnly: true,
    });
    expect(sticky({ secure: false }).setCookie("a")).not.toContain("Secure");
  });
});

describe("reading", () => {
  const cookie = sticky({ name: "lb" });

  test.each([
    ["lb=token", "token"],
    ["a=1; lb=token", "token"],
    ["a=1;lb=token;b=2", "token"],
    ["a=1;\tlb=token ; b=2", "token"],
    ["lb=first; lb=second", "first"],
    ["a=lb=x; lb=token", "token"],
    ["xlb=no; lb=token", "token"],
    ["lbx=no; lb=token", "token"],
    ["lb=", ""],
    ["lb=a=b", "a=b"],
  ])("%j has %j", (header, token) => {
    expect(cookie.read(header)).toBe(token);
  });

  test.each(["", "a=1", "xlb=1", "lbx=1", "lb", "lb; a=1", "a=lb=1", "LB=1", "a=1 lb=2"])(
    "%j has none",
    (header) => {
      expect(cookie.read(header)).toBeUndefined();
    },
  );

  test("no header has none", () => {
    expect(cookie.read(undefined)).toBeUndefined();
  });

  test("finds it among any others", () => {
    const part = fc.string({ unit: fc.constantFrom(..."lb=a; "), maxLength: 8 });
    fc.assert(
      fc.property(part, part, (before, after) => {
        const token = tokenFor(cookie, "10.0.0.1:3000");
        const names = before.split(";").map((pair) => pair.split("=")[0]?.trim());
        if (names.includes("lb")) return;
        expect(cookie.read(`${before}; lb=${token};${after}`)).toBe(token);
      }),
    );
  });
});

describe("options", () => {
  test.each([
    [{ secret: "short" }, /secret must be/],
    [{ secret: [] }, /secret must be/],
    [{ secret: [SECRET, "short"] }, /secret must be/],
    [{ secret: undefined }, /secret must be/],
    [{ secret: SECRET, name: "" }, /name must be/],
    [{ secret: SECRET, name: "a b" }, /name/],
    [{ secret: SECRET, path: "a;b" }, /path/],
    [{ secret: SECRET, maxAgeSeconds: 0 }, /maxAgeSeconds/],
    [{ secret: SECRET, sameSite: "none", secure: false }, /sameSite/],
    [{ secret: SECRET, maxAgeMs: 5 }, /unknown option "maxAgeMs"/],
  ])("%j is refused at once", (options, message) => {
    expect(() => createStickyCookie(options as StickyCookieOptions)).toThrow(message);
  });

  test("the secret is in no message", () => {
    expect(() => createStickyCookie({ secret: "hunter2" })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("hunter2") }),
    );
  });
});
