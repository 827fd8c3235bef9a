import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { markSettingCookie, markVarying } from "./session-headers.ts";

function exchange(headers: Record<string, string> = {}) {
  const request = new IncomingMessage(new Socket());
  Object.assign(request.headers, headers);
  return { request, response: new ServerResponse(request) };
}

test.each([
  [undefined, "Cookie"],
  ["Accept", "Accept, Cookie"],
  ["accept, cookie", "accept, cookie"],
  ["*", "*"],
  ["X-Cookie", "X-Cookie, Cookie"],
])("Vary %j becomes %j", (before, after) => {
  const { response } = exchange();
  if (before !== undefined) response.setHeader("vary", before);
  markVarying(response);
  expect(response.getHeader("vary")).toBe(after);
});

test.each([
  [undefined, 'private, no-cache="Set-Cookie"'],
  ["public, max-age=60", 'public, max-age=60, no-cache="Set-Cookie"'],
  ["no-store", "no-store"],
])("a cookie under Cache-Control %j makes it %j", (before, after) => {
  const { request, response } = exchange({ host: "localhost" });
  if (before !== undefined) response.setHeader("cache-control", before);
  response.setHeader("set-cookie", "a=b");
  markSettingCookie(request, response, "sid=x", true);
  expect(response.getHeader("set-cookie")).toEqual(["a=b", "sid=x"]);
  expect(response.getHeader("cache-control")).toBe(after);
});

test("a Secure cookie over what looks like plain HTTP is warned of, once", () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const set = (headers: Record<string, string>, isSecure = true): void => {
    const { request, response } = exchange(headers);
    markSettingCookie(request, response, "sid=x", isSecure);
  };
  set({ host: "localhost:3000" });
  set({ host: "shop.example", "x-forwarded-proto": "https" });
  set({ host: "shop.example" }, false);
  expect(warned).not.toHaveBeenCalled();
  set({ host: "shop.example" });
  set({ host: "shop.example" });
  expect(warned).toHaveBeenCalledTimes(1);
  warned.mockRestore();
});
