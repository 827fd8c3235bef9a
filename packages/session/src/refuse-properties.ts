/**
 * An object whose fields are not properties says so.
 *
 * Code for express-session writes `request.session.cart = []`. On a handle that is loaded when it is
 * asked, that would set a property that nobody stores, and reading it would say that there is no cart:
 * both in silence. So what is not a member is looked for last in an object that refuses, and tells how
 * it is meant. What the language and its tools ask of any object (`then`, `toJSON`, symbols) is left alone.
 */

import { fieldIsNoProperty } from "./errors.ts";

const ASKED_OF_ANY = new Set(["then", "toJSON", "asymmetricMatch", "nodeType", "$$typeof"]);

/** `console.log` would ask for properties of its own. */
const INSPECT = Symbol.for("nodejs.util.inspect.custom");
const inspected = (): string => "Session {}";

const refusing = new Proxy(Object.create(null), {
  get(_, name, receiver) {
    if (name === INSPECT) return inspected;
    if (typeof name === "symbol" || name in Object.prototype || ASKED_OF_ANY.has(name)) {
      return Reflect.get(Object.prototype, name, receiver);
    }
    throw fieldIsNoProperty(name, "get");
  },
  set(_, name) {
    throw fieldIsNoProperty(String(name), "set");
  },
  has: (_, name) => name in Object.prototype,
});

/** @param prototype of the class whose objects are to do so. */
export function refuseProperties(prototype: object): void {
  Object.setPrototypeOf(prototype, refusing);
}
