import { describe, expect, test } from "vitest";
import { AddressBook } from "./address-book.ts";
import { type DnsAddressRecord, type DnsOptions, dnsRules } from "./dns-options.ts";

const failing = (code: string) => Object.assign(new Error(`query ${code}`), { code });
const record = (address: string, ttl = 30): DnsAddressRecord => ({ address, ttl });

/** A name server as a table from `"4 host"` to what it answers; nothing there is ENOTFOUND. */
function startBook(options: DnsOptions = {}) {
  const zone = new Map<string, DnsAddressRecord[] | Error>();
  const asked: string[] = [];
  const answer = async (question: string): Promise<DnsAddressRecord[]> => {
    asked.push(question);
    const reply = zone.get(question) ?? failing("ENOTFOUND");
    if (reply instanceof Error) throw reply;
    return reply;
  };
  const resolver = {
    resolve4: (host: string) => answer(`4 ${host}`),
    resolve6: (host: string) => answer(`6 ${host}`),
    resolveSrv: async () => [],
  };
  return { book: new AddressBook(resolver, dnsRules(options)), zone, asked };
}

describe("addresses", () => {
  test("are in one order and without repetition, however the server rotates them", async () => {
    const { book, zone } = startBook();
    zone.set("4 api", [record("10.0.0.2"), record("10.0.0.1"), record("10.0.0.2")]);
    expect((await book.find("api")).addresses).toEqual(["10.0.0.1", "10.0.0.2"]);
  });

  test.each([
    ["the shortest of the TTLs", [20, 7, 60], 7_000],
    ["never less than minTtlMs", [0, 60], 1_000],
    ["never longer than maxTtlMs", [86_400], 60_000],
  ])("hold for %s", async (_what, ttls, validMs) => {
    const { book, zone } = startBook();
    zone.set(
      "4 api",
      ttls.map((ttl, i) => record(`10.0.0.${i}`, ttl)),
    );
    expect((await book.find("api")).validMs).toBe(validMs);
  });

  test("of both families are one list, that holds as long as both do", async () => {
    const { book, zone } = startBook({ family: "both" });
    zone.set("4 api", [record("10.0.0.1", 30)]);
    zone.set("6 api", [record("2001:db8::1", 5)]);
    expect(await book.find("api")).toEqual({
      addresses: ["10.0.0.1", "2001:db8::1"],
      validMs: 5_000,
      failures: [],
      absences: [],
      isUnknown: false,
    });
  });

  test("of a name with one family only are no failure of the other", async () => {
    const { book, zone } = startBook({ family: "both" });
    zone.set("4 api", [record("10.0.0.1")]);
    zone.set("6 api", failing("ENODATA"));
    expect(await book.find("api")).toMatchObject({ addresses: ["10.0.0.1"], failures: [] });
  });

  test.each([
    ["10.0.0.1", "10.0.0.1"],
    ["2001:db8::1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
  ])("that are given as such, %s, are not asked for and hold for ever", async (given, address) => {
    const { book, asked } = startBook({ family: "both" });
    expect(await book.find(given)).toMatchObject({
      addresses: [address],
      validMs: Number.POSITIVE_INFINITY,
    });
    expect(asked).toEqual([]);
  });
});

describe("a question that gets no answer", () => {
  test("leaves what was known, and says so", async () => {
    const { book, zone } = startBook({ family: "both" });
    zone.set("4 api", [record("10.0.0.1")]);
    zone.set("6 api", [record("2001:db8::1")]);
    await book.find("api");
    const down = failing("ESERVFAIL");
    zone.set("4 api", [record("10.0.0.2", 10)]);
    zone.set("6 api", down);
    expect(await book.find("api")).toEqual({
      addresses: ["10.0.0.2", "2001:db8::1"],
      validMs: 10_000,
      failures: [down],
      absences: [],
      isUnknown: false,
    });
  });

  test("is unknown when no family got one", async () => {
    const { book, zone } = startBook({ family: "both" });
    zone.set("4 api", [record("10.0.0.1")]);
    await book.find("api");
    zone.set("4 api", failing("ETIMEOUT"));
    zone.set("6 api", failing("ECONNREFUSED"));
    expect(await book.find("api")).toMatchObject({ addresses: ["10.0.0.1"], isUnknown: true });
  });

  test("is another thing than the answer that there is nothing", async () => {
    const { book, zone } = startBook();
    zone.set("4 api", [record("10.0.0.1")]);
    await book.find("api");
    zone.delete("4 api");
    const gone = await book.find("api");
    expect(gone).toMatchObject({ addresses: [], failures: [], isUnknown: false });
    expect(gone.absences).toEqual([expect.objectContaining({ code: "ENOTFOUND" })]);
    // Once it was gone, a failure does not bring it back.
    zone.set("4 api", failing("ESERVFAIL"));
    expect((await book.find("api")).addresses).toEqual([]);
  });

  test("is not the same as an empty list, which says that there is nothing", async () => {
    const { book, zone } = startBook({ family: 6 });
    zone.set("6 api", []);
    const { absences } = await book.find("api");
    expect(absences).toEqual([expect.objectContaining({ code: "ENODATA" })]);
  });
});

test("names that are asked for no longer are forgotten", async () => {
  const { book, zone } = startBook();
  zone.set("4 a", [record("10.0.0.1")]);
  zone.set("4 b", [record("10.0.0.2")]);
  await book.find("a");
  await book.find("b");
  book.keepOnly(new Set(["b"]));
  zone.set("4 a", failing("ESERVFAIL"));
  zone.set("4 b", failing("ESERVFAIL"));
  expect((await book.find("a")).addresses).toEqual([]);
  expect((await book.find("b")).addresses).toEqual(["10.0.0.2"]);
});
