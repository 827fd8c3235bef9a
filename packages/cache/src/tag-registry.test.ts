import { expect, test } from "vitest";
import type { TagReading } from "./store.ts";
import { createOwnTags, TagRegistry } from "./tag-registry.ts";

/** A store's clock of tags, and how often it was asked. */
function store(): {
  registry: TagRegistry;
  asked: string[][];
  bump(...tags: string[]): number;
  forget(): void;
  hold(): () => void;
} {
  let sequence = 10;
  let floor = 1;
  let gate: Promise<void> | undefined;
  const bumps = new Map<string, number>();
  const asked: string[][] = [];
  const read = (tags: readonly string[]): TagReading => ({
    partition: 0,
    sequence,
    floor,
    bumps: tags.map((tag) => bumps.get(tag)),
  });
  const registry = new TagRegistry(async (tags) => {
    asked.push([...tags]);
    const reading = read(tags);
    await gate;
    return reading;
  });
  return {
    registry,
    asked,
    bump(...tags) {
      sequence++;
      for (const tag of tags) bumps.set(tag, sequence);
      return sequence;
    },
    forget() {
      bumps.clear();
      floor = ++sequence;
    },
    hold() {
      let open = (): void => {};
      gate = new Promise((resolve) => {
        open = resolve;
      });
      return () => {
        gate = undefined;
        open();
      };
    },
  };
}

test("an entry is valid until one of its tags is bumped", async () => {
  const { registry, bump } = store();
  registry.trust();
  const sequence = await registry.sequence();
  const guards = await registry.guards(["a", "b"], sequence);
  expect(guards?.map(({ broken }) => broken)).toEqual([false, false]);
  registry.bumped(["b"], bump("b"));
  expect(guards?.map(({ broken }) => broken)).toEqual([false, true]);
  expect(await registry.guards(["a", "b"], sequence)).toBeUndefined();
  expect(await registry.guards(["b"], await registry.sequence())).toBeDefined();
});

test("while it is trusted the store is asked once a tag, otherwise each time", async () => {
  const { registry, asked } = store();
  await registry.guards(["a"], 10);
  await registry.guards(["a"], 10);
  expect(asked).toHaveLength(2);
  registry.trust();
  await registry.guards(["a"], 10);
  await registry.guards(["a"], 10);
  expect(asked).toHaveLength(3);
});

test("what another process bumped is found without a bus, and breaks the copies here", async () => {
  const { registry, bump } = store();
  const guards = await registry.guards(["a"], 10);
  bump("a");
  expect(await registry.guards(["a"], 10)).toBeUndefined();
  expect(guards?.[0]?.broken).toBe(true);
});

test("tags that the store has forgotten count as bumped", async () => {
  const { registry, bump, forget } = store();
  const sequence = bump("a");
  expect(await registry.guards(["a"], sequence)).toBeDefined();
  forget();
  expect(await registry.guards(["a"], sequence)).toBeUndefined();
});

test("an answer under way does not take back what a message told meanwhile", async () => {
  const { registry, bump, hold } = store();
  registry.trust();
  const release = hold();
  const guards = registry.guards(["a"], 10);
  registry.bumped(["a"], bump("a"));
  release();
  expect(await guards).toBeUndefined();
  expect(registry.knownGuards(["a"], 10)).toBeUndefined();
});

test("an answer from before a gap is not believed after it", async () => {
  const { registry, bump, asked, hold } = store();
  registry.trust();
  const release = hold();
  const guards = registry.guards(["a"], 10);
  registry.distrust();
  bump("a"); // its message is lost
  registry.trust();
  release();
  expect(await guards).toBeUndefined();
  expect(asked).toHaveLength(2);
});

test("a gap breaks every guard", async () => {
  const { registry } = store();
  registry.trust();
  const guards = await registry.guards(["a", "b"], 10);
  registry.distrust();
  expect(guards?.every(({ broken }) => broken)).toBe(true);
});

test("a message that is late or comes twice breaks nothing new", async () => {
  const { registry, bump } = store();
  registry.trust();
  const number = bump("a");
  registry.bumped(["a"], number);
  const guards = await registry.guards(["a"], number);
  registry.bumped(["a"], number);
  registry.bumped(["a"], number - 1);
  expect(guards?.[0]?.broken).toBe(false);
});

test("a tag that is pushed out of the registry counts as bumped when it was", async () => {
  const registry = new TagRegistry(
    async (tags) => ({ partition: 0, sequence: 7, floor: 0, bumps: tags.map(() => undefined) }),
    2,
  );
  registry.trust();
  registry.bumped(["old"], 7);
  const [guard] = (await registry.guards(["old"], 7)) ?? [];
  registry.bumped(["x", "y"], 8);
  expect(guard?.broken).toBe(true);
  expect(await registry.guards(["old"], 6)).toBeUndefined();
});

test("nothing of a tag is valid from the wish to bump it until that is done", async () => {
  const { registry, bump } = store();
  registry.trust();
  const guards = await registry.guards(["a"], 10);
  registry.bumping(["a"]);
  expect(guards?.[0]?.broken).toBe(true);
  expect(await registry.guards(["a"], 10)).toBeUndefined();
  const number = bump("a");
  registry.bumpDone(["a"], number);
  expect(await registry.guards(["a"], 10)).toBeUndefined();
  expect(await registry.guards(["a"], number)).toBeDefined();
});

test("a copy that is kept in an outage is broken by a bump of this process", () => {
  const { registry } = store();
  const guards = registry.provisionalGuards(["a"]);
  registry.bumping(["a"]);
  expect(guards[0]?.broken).toBe(true);
});

test("a process that shares nothing is its own clock", async () => {
  const own = createOwnTags();
  const sequence = own.knownSequence;
  const guards = await own.guards(["a", "b"], sequence);
  own.bumped(["a"], sequence + 1);
  expect(guards?.map(({ broken }) => broken)).toEqual([true, false]);
  expect(await own.guards(["b"], sequence)).toBeDefined();
  expect(await own.guards(["a"], own.knownSequence)).toBeDefined();
});
