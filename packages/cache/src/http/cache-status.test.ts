import { expect, test } from "vitest";
import { collapsed, forwarded, hit } from "./cache-status.ts";

test("the fields are those of RFC 9211", () => {
  expect(hit("headroom", 1_999)).toBe("headroom; hit; ttl=1");
  expect(hit("headroom", -1)).toBe("headroom; hit; ttl=-1");
  expect(forwarded("headroom", "uri-miss", true)).toBe("headroom; fwd=uri-miss; stored");
  expect(forwarded("headroom", "bypass", false)).toBe("headroom; fwd=bypass");
  expect(collapsed("headroom", "stale")).toBe("headroom; fwd=stale; collapsed");
});
