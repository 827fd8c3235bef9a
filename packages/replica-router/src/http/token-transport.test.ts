import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { cookieTransport, headerTransport } from "./token-transport.ts";

function exchange(headers: Record<string, string>) {
  const request = new IncomingMessage(new Socket());
  Object.assign(request.headers, headers);
  return { request, response: new ServerResponse(request) };
}

test("a cookie among others, and none that only ends like it", () => {
  const transport = cookieTransport("db", true);
  expect(transport.read(exchange({ cookie: "a=1; xdb=2; db=3.x; b=4" }).request)).toBe("3.x");
  expect(transport.read(exchange({ cookie: "xdb=2" }).request)).toBeUndefined();
  expect(transport.read(exchange({}).request)).toBeUndefined();
});

test("a cookie is set beside others, and the answer is nobody else's", () => {
  const { response } = exchange({});
  response.setHeader("Set-Cookie", "a=1");
  cookieTransport("db", true).write(response, "3.x");
  expect(response.getHeader("Set-Cookie")).toEqual([
    "a=1",
    "db=3.x; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure",
  ]);
  expect(response.getHeader("Cache-Control")).toBe("private, no-cache");
  const plain = exchange({}).response;
  plain.setHeader("Cache-Control", "no-store");
  cookieTransport("db", false).write(plain, "3.x");
  expect(plain.getHeader("Set-Cookie")).not.toContain("Secure");
  expect(plain.getHeader("Cache-Control")).toBe("no-store");
});

test("a header of any case", () => {
  const { request, response } = exchange({ "x-db-token": "3.x" });
  const transport = headerTransport("X-DB-Token");
  expect(transport.read(request)).toBe("3.x");
  transport.write(response, "4.x");
  expect(response.getHeader("x-db-token")).toBe("4.x");
});
