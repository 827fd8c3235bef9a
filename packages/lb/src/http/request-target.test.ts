import { isHeadroomError } from "@headroom/core/errors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  joinPath,
  pathPrefix,
  refuseRequestTarget,
  requireRequestTarget,
} from "./request-target.ts";

const reasonOf = (target: string, method = "GET"): string | undefined =>
  refuseRequestTarget(method, target)?.reason;

describe("what is passed on", () => {
  test.each([
    "/",
    "/users/7",
    "/users?sort=name&page=2",
    "/a//b",
    "/a/",
    "/a/b/?",
    "/?",
    "/?//evil",
    "/search?q=http://evil/",
    "/a?path=../../etc/passwd",
    "/a?b=%2e%2e/c",
    "/file..txt",
    "/a..b/c",
    "/..a/b",
    "/a../b",
    "/...",
    "/....//x",
    "/a%2ehtml",
    "/.well-known/acme-challenge/x",
    "/.env",
    "/%2e%2efile",
    "/a%2fb",
    "/caf%C3%A9",
    "/a;v=1/b",
    '/a|b^c`d{e}"<>',
    "/@scope/name",
    "/a:b",
    "/%",
    "/%zz",
  ])("%j", (target) => {
    expect(refuseRequestTarget("GET", target)).toBeUndefined();
    expect(requireRequestTarget("GET", target, "api")).toBe(target);
  });

  test("* is for OPTIONS alone", () => {
    expect(refuseRequestTarget("OPTIONS", "*")).toBeUndefined();
    expect(reasonOf("*")).toBe("target-form");
    expect(reasonOf("**", "OPTIONS")).toBe("target-form");
    expect(reasonOf("*/", "OPTIONS")).toBe("target-form");
  });
});

describe("what names another host", () => {
  test.each([
    "//evil",
    "//evil/x",
    "///evil",
    "http://evil/",
    "HTTP://evil/",
    "https:evil",
    "evil:443",
    "evil",
    "@evil/",
    ".evil/",
    ":80/",
    "?x",
    "",
    "*",
    " /",
  ])("%j", (target) => {
    expect(reasonOf(target)).toBe("target-form");
  });
});

describe("what another program may read differently", () => {
  test.each([
    "/\\evil",
    "/a\\..\\b",
    "/a?b\\c",
    "/a b",
    "/a HTTP/1.1",
    "/a\r\nHost: evil",
    "/a\n",
    "/a\t",
    "/\0",
    "/\x7f",
    "/a#b",
    "/#",
    "/café",
    "/\u0130",
    "/\ud83d\ude00",
  ])("%j has a character that must be encoded", (target) => {
    expect(reasonOf(target)).toBe("target-character");
  });
});

describe("dot segments", () => {
  test.each([
    "/.",
    "/..",
    "/./",
    "/../",
    "/../admin",
    "/public/../admin",
    "/public/..",
    "/a/./b",
    "/a/..?x",
    "/%2e%2e/admin",
    "/%2E./admin",
    "/.%2e",
    "/a/%2e",
    "/..;/admin",
    "/..;jsessionid=1/admin",
    "/..%2fadmin",
    "/public%2f..%2fadmin",
    "/public/..%5cadmin",
    "/a%2F%2E%2E%2Fb",
  ])("%j", (target) => {
    expect(reasonOf(target)).toBe("dot-segment");
  });
});

test("the error says what is wrong and repeats nothing of the request", () => {
  let thrown: unknown;
  try {
    requireRequestTarget("GET", "//evil/secret", "api");
  } catch (error) {
    thrown = error;
  }
  expect(isHeadroomError(thrown, "LB_REFUSED_REQUEST")).toBe(true);
  expect(String(thrown)).not.toContain("evil");
});

describe("whatever is sent", () => {
  const characters = fc.constantFrom(..."/.?#%25cefF;\\ab:@*\r\n \t\0é~");
  const targets = fc.oneof(
    fc.string({ unit: characters, maxLength: 12 }),
    fc.string({ unit: characters, maxLength: 12 }).map((rest) => `/${rest}`),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
  );

  test("what passes stays on the host it is resolved against, below the same path", () => {
    fc.assert(
      fc.property(targets, (target) => {
        if (refuseRequestTarget("GET", target) !== undefined) return;
        const url = new URL(target, "http://target.internal:81/");
        expect(url.host).toBe("target.internal:81");
        const [path = ""] = target.split("?");
        // It has found nothing to resolve: it only escapes.
        expect(url.pathname.split("/")).toHaveLength(path.split("/").length);
      }),
      { numRuns: 1_000 },
    );
  });

  test("what passes is one word of a request line", () => {
    fc.assert(
      fc.property(targets, (target) => {
        if (refuseRequestTarget("GET", target) !== undefined) return;
        expect(target).toMatch(/^\/[!-~]*$/);
      }),
      { numRuns: 1_000 },
    );
  });

  test("paths that a browser has resolved pass", () => {
    fc.assert(
      fc.property(fc.webPath(), fc.webQueryParameters(), (path, query) => {
        const url = new URL(`http://h/${path.replace(/^\/+/, "")}?${query}`);
        const target = url.pathname + url.search;
        if (target.startsWith("//") || /%2f|%5c|;/i.test(url.pathname)) return;
        expect(refuseRequestTarget("GET", target)).toBeUndefined();
      }),
    );
  });
});

describe("a prefix", () => {
  test.each([
    ["", "/users", "/users"],
    ["/", "/users", "/users"],
    ["/api", "/users", "/api/users"],
    ["/api/", "/users?x=1", "/api/users?x=1"],
    ["/a/b", "/", "/a/b/"],
    ["/api", "/?x", "/api/?x"],
    ["/api", "*", "*"],
  ])("%j before %j is %j", (prefix, target, path) => {
    expect(joinPath(pathPrefix("prefix", prefix), target)).toBe(path);
  });

  test.each(["api", "//api", "http://x", "/a/../b", "/a?b", "/a b", "*"])(
    "%j is none",
    (prefix) => {
      expect(() => pathPrefix("prefix", prefix)).toThrow(TypeError);
      expect(() => pathPrefix("prefix", prefix)).toThrow(/^prefix must be a path/);
    },
  );
});
