import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { connectSidOf } from "./connect-sid.ts";

const [id, secret] = ["Zq3w-_9fLmP0aXbC1dEfGhIjKlMnOpQr", "keyboard cat"];
const signed = (by: string, of = id) =>
  `s:${of}.${createHmac("sha256", by).update(of).digest("base64").replace(/=+$/, "")}`;

test("what express-session signed is read, encoded or not, with any of its secrets", () => {
  expect(connectSidOf(encodeURIComponent(signed(secret)), [secret])).toBe(id);
  expect(connectSidOf(signed(secret), ["new", secret])).toBe(id);
  expect(connectSidOf(signed(secret, "with.dots.in"), [secret])).toBe("with.dots.in");
});

test.each([
  ["another secret's", signed("other")],
  ["a changed id", signed(secret).replace("Zq3", "Zq4")],
  ["a cut one", signed(secret).slice(0, -1)],
  ["an unsigned one", id],
  ["an empty id", signed(secret, "")],
  ["nothing", ""],
  ["bad encoding", "%E0%A4%A"],
  ["a long one", signed(secret, "a".repeat(600))],
])("%s is not", (_, value) => {
  expect(connectSidOf(value, [secret])).toBeUndefined();
});
