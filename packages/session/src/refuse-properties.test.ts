import { inspect } from "node:util";
import { expect, test } from "vitest";
import { fixture } from "../test/session-fixture.ts";

const session = () => fixture().app().open(undefined);

test("a field is no property, and whoever takes it for one is told how it is meant", () => {
  expect(() => Reflect.get(session(), "cart")).toThrow(
    /session\.cart is not there.*session\.get\("cart"\).*load: "eager"/,
  );
  expect(() => Object.assign(session(), { cart: [] })).toThrow(/session\.set\("cart", value\)/);
});

test("what is asked of any object is answered", async () => {
  const own = session();
  expect(await Promise.resolve(own)).toBe(own);
  expect(JSON.stringify(own)).toBe("{}");
  expect(inspect(own)).toMatch(/Session/);
  expect(`${Object.prototype.toString.call(own)} ${own instanceof Object}`).toMatch(/Object/);
  expect(Reflect.get(own, "hasOwnProperty").call(own, "cart")).toBe(false);
  expect("cart" in own).toBe(false);
});
