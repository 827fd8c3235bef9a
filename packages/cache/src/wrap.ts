/** A function with its results cached: its arguments are the identity. */

import { requireFunction, requireKnownOptions } from "@headroom/core/options";
import type { Definition } from "./definition.ts";
import type { DefinitionOptions } from "./definition-options.ts";

/** Options of `cache.wrap`; besides `key`, as in `define`. */
export interface WrapOptions<Args extends readonly unknown[], Value>
  extends Omit<DefinitionOptions<Args, Value>, "key" | "load" | "loadMany"> {
  /**
   * The key of a call: different for what is different.
   * @default the arguments, which then must be strings, finite numbers, booleans, null or undefined
   */
  readonly key?: ((...args: Args) => string) | undefined;
}

/** Called as the function that was wrapped. */
export interface Wrapped<Args extends readonly unknown[], Value> {
  (...args: Args): Promise<Value>;
  /** For `invalidate`, `refresh` and the rest; its ids are lists of arguments. */
  readonly cached: Definition<Args, Value>;
}

interface Defines {
  define<Id, Value>(name: string, options: DefinitionOptions<Id, Value>): Definition<Id, Value>;
}

/** @throws TypeError or RangeError when the name is taken or an option is wrong. */
export function wrapped<Args extends readonly unknown[], Value>(
  cache: Defines,
  name: string,
  fn: (...args: Args) => Promise<Value> | Value,
  options: WrapOptions<Args, Value>,
): Wrapped<Args, Value> {
  requireFunction("fn", fn);
  requireKnownOptions(
    "wrap",
    options,
    Object.keys(options).filter((option) => option !== "load" && option !== "loadMany"),
  );
  const { key, ...rules } = options;
  const cached = cache.define<Args, Value>(name, {
    ...rules,
    key: key === undefined ? (args) => keyOfArguments(name, args) : (args) => key(...args),
    load: (args) => fn(...args),
  });
  const call = (...args: Args): Promise<Value> => cached.get(args) as Promise<Value>;
  return Object.assign(call, { cached });
}

/** Types stay apart: `f(1)` and `f("1")` are two calls. */
function keyOfArguments(name: string, args: readonly unknown[]): string {
  return JSON.stringify(
    args.map((arg, index) => {
      if (arg === undefined) return [];
      if (arg === null || typeof arg === "string" || typeof arg === "boolean") return arg;
      if (typeof arg === "number" && Number.isFinite(arg)) return arg;
      throw new TypeError(
        `argument ${index + 1} of "${name}" is no part of a key: give wrap a key function`,
      );
    }),
  );
}
