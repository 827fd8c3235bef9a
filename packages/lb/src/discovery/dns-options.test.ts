import { getEventListeners } from "node:events";
import { afterEach, describe, expect, test, vi } from "vitest";
import { addressId, askDns, type DnsOptions, dnsRules } from "./dns-options.ts";

/** Stands for the resolvers that we make ourselves. */
const made = vi.hoisted(() => [] as { options: unknown; cancelled: number }[]);
vi.mock("node:dns/promises", () => ({
  Resolver: class {
    readonly #note;
    constructor(options: unknown) {
      this.#note = { options, cancelled: 0 };
      made.push(this.#note);
    }
    cancel() {
      this.#note.cancelled++;
    }
  },
}));
afterEach(() => void made.splice(0));

describe("options", () => {
  test("have the defaults that are written at them", () => {
    expect(dnsRules({})).toMatchObject({
      families: [4],
      minTtlMs: 1_000,
      maxTtlMs: 60_000,
      timeoutMs: 5_000,
      resolver: undefined,
    });
  });

  test.each([
    [4, [4]],
    [6, [6]],
    ["both", [4, 6]],
  ] as const)("family %s asks for %o", (family, families) => {
    expect(dnsRules({ family }).families).toEqual(families);
  });

  const wrong: [options: object, message: RegExp][] = [
    [{ family: "4" }, /family must be 4, 6 or "both", got 4/],
    [{ minTtlMs: 0 }, /minTtlMs must be a positive/],
    [{ minTtlMs: 5_000, maxTtlMs: 1_000 }, /maxTtlMs must be at least minTtlMs \(5000\), got 1000/],
    [{ timeoutMs: -1 }, /timeoutMs/],
    [{ resolver: { resolve4: () => {} } }, /resolver must be an object with resolve4, resolve6/],
    [{ clock: {} }, /clock/],
    [{ random: 4 }, /random/],
  ];
  test.each(wrong)("%o is refused", (options, message) => {
    expect(() => dnsRules(options as DnsOptions)).toThrow(message);
  });
});

test.each([
  ["10.0.0.1", "10.0.0.1:80"],
  ["2001:db8::1", "[2001:db8::1]:80"],
])("%s at port 80 is %s", (address, id) => {
  expect(addressId({ hostname: "api", address, port: 80 })).toBe(id);
});

describe("a resolver of our own", () => {
  const answered = { targets: [], validMs: Number.POSITIVE_INFINITY, failures: [] };

  test("gets its two tries done within the time, and is left alone when it has answered", async () => {
    const { signal } = new AbortController();
    const discovery = askDns("asking", dnsRules({ timeoutMs: 3_000 }), () => async () => answered);
    for await (const list of discovery(signal)) expect(list).toEqual([]);
    expect(made).toEqual([{ options: { timeout: 1_000, tries: 2 }, cancelled: 0 }]);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("is told to stop when nobody waits any more", async () => {
    const ended = new AbortController();
    const discovery = askDns("asking", dnsRules({}), () => () => new Promise<never>(() => {}));
    const next = discovery(ended.signal)[Symbol.asyncIterator]().next();
    ended.abort("closed");
    await expect(next).rejects.toBe("closed");
    expect(made).toMatchObject([{ cancelled: 1 }]);
  });
});

test("a resolver of the application's is asked, and never cancelled", async () => {
  const nothing = async () => [];
  const cancel = vi.fn();
  const resolver = { resolve4: nothing, resolve6: nothing, resolveSrv: nothing, cancel };
  const ended = new AbortController();
  const asked: unknown[] = [];
  const discovery = askDns("asking", dnsRules({ resolver }), (given) => () => {
    asked.push(given);
    return new Promise<never>(() => {});
  });
  const next = discovery(ended.signal)[Symbol.asyncIterator]().next();
  ended.abort("closed");
  await expect(next).rejects.toBe("closed");
  expect(asked).toEqual([resolver]);
  expect(made).toEqual([]);
  expect(cancel).not.toHaveBeenCalled();
});
