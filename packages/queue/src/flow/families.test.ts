import { createManualClock, type ManualClock } from "@headroom/core/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defineQueue } from "../definition.ts";
import type { QueueSettings } from "../driver.ts";
import { type ChildResult, UnrecoverableError } from "../job.ts";
import { type MemoryDriver, memoryDriver } from "../memory/memory-driver.ts";
import { createQueues } from "../queues.ts";
import type { LinkedQueues } from "./families.ts";

const albums = defineQueue<string, string>({ name: "albums", retry: { attempts: 1 } });
const crops = defineQueue<string, string>({ name: "crops", retry: { attempts: 1 } });
const scans = defineQueue<string, string>({
  name: "scans",
  dedup: (data) => data,
  retry: { attempts: 1 },
});

let clock: ManualClock;
let driver: MemoryDriver;
let closes: (() => Promise<void>)[];

beforeEach(() => {
  clock = createManualClock();
  driver = memoryDriver({ clock });
  closes = [];
});

afterEach(async () => {
  // Stopping waits for time too.
  const closed = Promise.all(closes.map((close) => close()));
  await clock.advance(60_000);
  await closed;
});

/** The queues of one process. */
function open() {
  const queues = createQueues({
    driver: memoryDriver({ shared: driver.server }),
    queues: { albums, crops, scans },
    clock,
  });
  closes.push(() => queues.close());
  return queues;
}

/** Works on all three; an album gives what its children gave. */
function work(queues: ReturnType<typeof open>, seen: string[] = []) {
  const handle = async ({ data }: { data: string }): Promise<string> => {
    seen.push(data);
    if (data.startsWith("bad")) throw new UnrecoverableError("no");
    return data.toUpperCase();
  };
  return queues.worker({
    crops: handle,
    scans: handle,
    albums: async (job, context) => {
      const children = await context.children();
      seen.push(`${job.data}(${children.map(shown).join(",")})`);
      return `${job.data}!`;
    },
  });
}

function shown({ outcome }: ChildResult): string {
  if (outcome === undefined) return "?";
  return outcome.kind === "done" ? String(outcome.result) : outcome.reason;
}

describe("a parent", () => {
  test("runs once its children have ended, and has what they gave, in their order", async () => {
    const queues = open();
    const seen: string[] = [];
    work(queues, seen);
    const added = await queues.albums.flow("album", {
      children: [queues.crops.child("a"), queues.scans.child("b"), queues.crops.child("c")],
    });
    expect(added.outcome).toBe("added");
    await clock.advance(100);
    expect(seen.slice(0, 3).sort()).toEqual(["a", "b", "c"]);
    expect(seen[3]).toBe("album(A,B,C)");
  });

  test("waits for grandchildren, too", async () => {
    const queues = open();
    const seen: string[] = [];
    work(queues, seen);
    await queues.albums.flow("year", {
      children: [
        queues.albums.child("may", { children: [queues.crops.child("1")] }),
        queues.albums.child("june", { children: [queues.crops.child("2")] }),
        queues.crops.child("cover"),
      ],
    });
    await clock.advance(100);
    expect(seen.at(-1)).toBe("year(may!,june!,COVER)");
    expect(seen).toContain("may(1)");
    expect((await queues.albums.stats()).held).toBe(0);
  });

  test("without children runs at once", async () => {
    const queues = open();
    const seen: string[] = [];
    work(queues, seen);
    await queues.albums.flow("empty");
    await clock.advance(100);
    expect(seen).toEqual(["empty()"]);
  });

  test("that does not mind runs without a child that died", async () => {
    const queues = open();
    const seen: string[] = [];
    work(queues, seen);
    await queues.albums.flow("album", {
      children: [queues.crops.child("a"), queues.crops.child("bad")],
      childDead: "continue",
    });
    await clock.advance(100);
    expect(seen.at(-1)).toBe("album(A,unrecoverable)");
  });

  test("dies with its child, and so does its own parent", async () => {
    const queues = open();
    work(queues);
    const { id } = await queues.albums.flow("year", {
      children: [queues.albums.child("may", { children: [queues.crops.child("bad")] })],
    });
    await clock.advance(100);
    expect(await queues.albums.find(id)).toMatchObject({ state: "dead", reason: "child-dead" });
    expect(await queues.albums.stats()).toMatchObject({ held: 0, dead: 2 });
  });

  test("dies with a child that is cancelled", async () => {
    const queues = open();
    const { id } = await queues.albums.flow("album", {
      children: [queues.crops.child("a", { id: "the-child" })],
    });
    expect(await queues.crops.cancel("the-child")).toBe(true);
    expect(await queues.albums.find(id)).toMatchObject({ state: "dead", reason: "child-dead" });
  });

  test("is told of a child whose worker died at its last attempt", async () => {
    const queues = open();
    const { id } = await queues.albums.flow("album", { children: [queues.crops.child("a")] });
    const { jobs } = await driver.claim(settingsOf("crops"), { limit: 1, leaseMs: 1_000 });
    expect(jobs).toHaveLength(1);
    work(queues);
    await clock.advance(5_000);
    expect(driver.jobs("crops")).toMatchObject([{ state: "dead" }]);
    expect(await queues.albums.find(id)).toMatchObject({ state: "dead", reason: "child-dead" });
  });

  test("is told within a minute of a child that was found dead by one who died then", async () => {
    const queues = open();
    const { id } = await queues.albums.flow("album", {
      children: [queues.crops.child("a"), queues.scans.child("b", { id: "purged" })],
      childDead: "continue",
    });
    await driver.claim(settingsOf("crops"), { limit: 1, leaseMs: 1_000 });
    await clock.advance(1_000);
    expect((await driver.sweep(settingsOf("crops"))).dead).toHaveLength(1); // and nobody is told
    await driver.admin?.purge(settingsOf("scans"), ["ready"]);
    const seen: string[] = [];
    work(queues, seen);
    await clock.advance(50_000);
    expect(seen).toEqual(["album(lease-expired,cancelled)"]);
    expect(await queues.albums.find(id)).toBeUndefined();
  });
});

function settingsOf(name: string): QueueSettings {
  return {
    name,
    maxBacklog: undefined,
    limits: {
      concurrency: undefined,
      rate: undefined,
      perKeyConcurrency: 1,
      perKeyRate: undefined,
    },
    retention: { done: undefined, dead: { ms: 1e9, count: 100 } },
  };
}

describe("adding", () => {
  test("a family by its name twice is adding it once", async () => {
    const queues = open();
    const add = () =>
      queues.albums.flow("album", {
        id: "album-1",
        children: [queues.crops.child("a"), queues.crops.child("b")],
      });
    expect(await add()).toEqual({ id: "album-1", outcome: "added" });
    expect(await add()).toEqual({ id: "album-1", outcome: "duplicate" });
    expect(driver.jobs("crops").map(({ id }) => id)).toEqual(["album-1.0", "album-1.1"]);
    const seen: string[] = [];
    work(queues, seen);
    await clock.advance(100);
    expect(seen).toEqual(["a", "b", "album(A,B)"]);
  });

  test("children of one dedup key are two, for each is waited for", async () => {
    const queues = open();
    const seen: string[] = [];
    await queues.albums.flow("album", {
      children: [queues.scans.child("same"), queues.scans.child("same")],
    });
    work(queues, seen);
    await clock.advance(100);
    expect(seen.at(-1)).toBe("album(SAME,SAME)");
  });

  test("what finds no room takes back what was added", async () => {
    const small = defineQueue<string, string>({ name: "small", maxBacklog: 1 });
    const queues = createQueues({ driver, queues: { small, crops }, clock });
    closes.push(() => queues.close());
    await queues.small.add("first");
    const adding = queues.small.flow("album", { children: [queues.crops.child("a")] });
    await expect(adding).rejects.toMatchObject({ code: "QUEUE_FULL" });
    expect(await queues.crops.stats()).toMatchObject({ ready: 0 });
  });

  test("data that do not fit are found before anything is added", async () => {
    const queues = open();
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const child = queues.crops.child(circular as unknown as string);
    const adding = queues.albums.flow("album", { children: [queues.crops.child("a"), child] });
    await expect(adding).rejects.toMatchObject({ code: "QUEUE_VALUE" });
    expect(driver.jobs("crops")).toEqual([]);
  });
});

describe("over two servers", () => {
  const other = defineQueue<string, string>({ name: "letters", retry: { attempts: 1 } });

  function openTwo() {
    const linked: LinkedQueues[] = [];
    const links = (): readonly LinkedQueues[] => linked;
    const media = createQueues({ driver, queues: { albums }, name: "media", links, clock });
    const mail = createQueues({
      driver: memoryDriver({ clock }),
      queues: { letters: other },
      name: "mail",
      links,
      clock,
    });
    linked.push(media, mail);
    closes.push(
      () => media.close(),
      () => mail.close(),
    );
    return { media, mail };
  }

  test("a parent runs when its child on the other one has ended", async () => {
    const { media, mail } = openTwo();
    const seen: string[] = [];
    media.worker({
      albums: async (job, context) => {
        seen.push(`${job.data}(${(await context.children()).map(shown).join(",")})`);
        return "";
      },
    });
    mail.worker({ letters: async ({ data }) => data.toUpperCase() });
    await media.albums.flow("album", { children: [mail.letters.child("a")] });
    await clock.advance(100);
    expect(seen).toEqual(["album(A)"]);
  });

  test("a name that is none is refused", () => {
    const open = () => createQueues({ driver, queues: { albums }, name: "a/b" });
    expect(open).toThrow(/name must be 1 to 100 letters/);
  });

  test("without a name for each it is refused at once", async () => {
    const { mail } = openTwo();
    const queues = open();
    const adding = queues.albums.flow("album", { children: [mail.letters.child("a")] });
    await expect(adding).rejects.toThrow(/needs a name for each/);
  });
});

test("a child cannot be completed in a transaction: its parent could not be told with it", async () => {
  const queues = createQueues({
    driver: memoryDriver({ clock, like: { ...driver.capabilities, transactions: true } }),
    queues: { albums, crops },
    clock,
  });
  closes.push(() => queues.close());
  const seen: unknown[] = [];
  queues.worker({
    crops: async (_job, context) => {
      await context.completeIn({}).catch((error: unknown) => seen.push(error));
      return "";
    },
  });
  await queues.albums.flow("album", { children: [queues.crops.child("a")] });
  await clock.advance(100);
  expect(seen).toMatchObject([{ code: "QUEUE_UNSUPPORTED" }]);
});
