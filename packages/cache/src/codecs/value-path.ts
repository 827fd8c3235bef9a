/** Where something is in a value, and what it is, for messages: `an instance of User at .owner`. */

/** From the keys on the way: `.users[3].name`; of the value itself nothing. Keys may be of a map. */
export function pathText(keys: readonly unknown[]): string {
  return keys.map((key) => (isName(key) ? `.${key}` : `[${keyText(key)}]`)).join("");
}

/** Its kind, never its content. */
export function kindOf(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  if (typeof value === "bigint") return "a BigInt";
  if (typeof value !== "object" || value === null) return String(value);
  const name = typeof value.constructor === "function" ? value.constructor.name : "";
  return name === "" ? "an object with a prototype" : `an instance of ${name}`;
}

function isName(key: unknown): key is string {
  return typeof key === "string" && /^[A-Za-z_$][\w$]*$/.test(key);
}

/** Long keys are data rather than names; objects have no text. */
function keyText(key: unknown): string {
  if (typeof key === "string") return key.length <= 40 ? JSON.stringify(key) : "…";
  return typeof key === "object" ? "…" : String(key);
}
