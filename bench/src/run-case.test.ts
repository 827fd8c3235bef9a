import { expect, test } from "vitest";
import { area, type Case, type MicroVariant } from "./area.ts";
import { FakeMachine } from "./fixtures/fake-machine.ts";
import { Lifetime } from "./lifetime.ts";
import { type CaseResult, runCase } from "./run-case.ts";

const pace = { rounds: 3, turnMs: 1, warmUpMs: 1, openLoopMs: 0 };

function runOn(stopwatch: FakeMachine, declared: Case): Promise<CaseResult> {
  const progress = (): void => {};
  return runCase(declared, "no file", { pace, stopwatch, lifetime: new Lifetime(), progress });
}

function only(declare: Parameters<typeof area>[1]): Case {
  const [declared] = area("self-test", declare).cases;
  if (!declared) throw new Error("no case was declared");
  return declared;
}

function working(machine: FakeMachine, ns: number): MicroVariant {
  return () => () => machine.work(ns);
}

test("work that takes twice as long is seen as twice as long", async () => {
  const machine = new FakeMachine();
  const twice = only((bench) =>
    bench.micro("twice", {
      ours: working(machine, 200),
      peers: { half: working(machine, 100) },
      floor: "half",
    }),
  );
  const { rows, failures } = await runOn(machine, twice);
  expect(failures).toEqual([]);
  expect(rows).toHaveLength(1);
  const [row] = rows;
  expect(row).toMatchObject({ name: "twice", peer: "half", unit: "ns/op", better: "lower" });
  expect(row?.ours).toBeCloseTo(200);
  expect(row?.theirs).toBeCloseTo(100);
  expect(row?.ratio).toBeCloseTo(2);
  expect(row?.rounds).toBe(3);
  expect(row?.floorSpread).toBeCloseTo(1);
});

test("a machine that slows down between rounds changes the figures, not the ratio", async () => {
  // Two turns a round: the second round runs on a machine eight times slower.
  const machine = new FakeMachine([1, 1, 8, 8, 3, 3]);
  const twice = only((bench) =>
    bench.micro("twice", {
      ours: working(machine, 200),
      peers: { half: working(machine, 100) },
      floor: "half",
    }),
  );
  const [row] = (await runOn(machine, twice)).rows;
  expect(row?.theirs).toBeCloseTo(300);
  expect(row?.ratio).toBeCloseTo(2);
  expect(row?.ratioMin).toBeCloseTo(2);
  expect(row?.ratioMax).toBeCloseTo(2);
  expect(row?.floorSpread).toBeCloseTo(8);
});

test("every peer has a row of its own, and the floor is marked", async () => {
  const figure = only((bench) =>
    bench.figure("bytes per node", {
      ours: () => 30,
      peers: { hashring: () => 60, "the bare array": () => 10 },
      floor: "the bare array",
      unit: "B",
      better: "lower",
    }),
  );
  const { rows } = await runOn(new FakeMachine(), figure);
  expect(rows.map(({ peer, ratio, isFloor }) => ({ peer, ratio, isFloor }))).toEqual([
    { peer: "hashring", ratio: 0.5, isFloor: false },
    { peer: "the bare array", ratio: 3, isFloor: true },
  ]);
});

test("a setup that fails is named, and nothing is measured", async () => {
  const declared = only((bench) =>
    bench.client("GET", {
      setup: (): { port: number } => {
        throw new Error("no redis-server");
      },
      ours: () => async () => {},
      peers: { direct: () => async () => {} },
      floor: "direct",
    }),
  );
  const { rows, failures } = await runOn(new FakeMachine(), declared);
  expect(rows).toEqual([]);
  expect(failures).toEqual([{ variant: "setup or close", error: new Error("no redis-server") }]);
});

test("what a variant opened is closed at the end", async () => {
  const machine = new FakeMachine();
  const closed: string[] = [];
  const opening =
    (name: string): MicroVariant =>
    (resources) => {
      resources.defer(() => void closed.push(name));
      return () => machine.work(100);
    };
  const declared = only((bench) =>
    bench.micro("open", { ours: opening("A"), peers: { B: opening("B") }, floor: "B" }),
  );
  await runOn(machine, declared);
  expect(closed).toEqual(["B", "A"]);
});

test("what a variant of figures opened is closed after every turn", async () => {
  const events: string[] = [];
  const declared = only((bench) =>
    bench.figures("look", {
      figures: { failed: { unit: "%", better: "lower" } },
      ours: (resources) => {
        resources.defer(() => void events.push("ours closed"));
        return { failed: 0 };
      },
      peers: {
        theirs: () => {
          events.push("theirs opens");
          return { failed: 1 };
        },
      },
      floor: "theirs",
      rounds: 2,
    }),
  );
  const { rows } = await runOn(new FakeMachine(), declared);
  expect(events).toEqual(["ours closed", "theirs opens", "ours closed", "theirs opens"]);
  expect(rows).toMatchObject([{ name: "look/failed", ratio: 0, rounds: 2 }]);
});

test("what figures set up is made once, is what every turn gets, and is closed at the end", async () => {
  const events: string[] = [];
  const declared = only((bench) =>
    bench.figures("look", {
      setup: (resources) => {
        resources.defer(() => void events.push("server closed"));
        return "server";
      },
      figures: { failed: { unit: "%", better: "lower" } },
      ours: (_, __, shared) => {
        events.push(`ours on the ${shared}`);
        return { failed: 1 };
      },
      peers: {
        theirs: (_, __, shared) => {
          events.push(`theirs on the ${shared}`);
          return { failed: 1 };
        },
      },
      floor: "theirs",
      rounds: 2,
    }),
  );
  await runOn(new FakeMachine(), declared);
  const turns = ["ours on the server", "theirs on the server"];
  expect(events).toEqual([...turns, ...turns, "server closed"]);
});

test("a figure that is no finite number is a failure", async () => {
  const declared = only((bench) =>
    bench.figures("look", {
      figures: { p99: { unit: "ms", better: "lower" } },
      ours: () => ({ p99: Number.NaN }),
      peers: { theirs: () => ({ p99: 1 }) },
      floor: "theirs",
    }),
  );
  const { rows, failures } = await runOn(new FakeMachine(), declared);
  expect(rows).toEqual([]);
  expect(failures).toMatchObject([
    { variant: "ours", error: { message: "a figure must be a finite number, got NaN" } },
  ]);
});
