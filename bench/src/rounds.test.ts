import { expect, test } from "vitest";
import { type Contestant, playRounds } from "./rounds.ts";

const constant = (name: string, value: number): Contestant => ({
  name,
  turn: async () => [value],
});

test("variants take turns within every round: A B A B", async () => {
  const turns: string[] = [];
  await playRounds([constant("A", 1), constant("B", 2)], 2, (round, name) => {
    turns.push(`${name}${round}`);
  });
  expect(turns).toEqual(["A1", "B1", "A2", "B2"]);
});

test("every variant has one reading a round", async () => {
  const { readings } = await playRounds([constant("A", 1), constant("B", 2)], 3, () => {});
  expect(Object.fromEntries(readings)).toEqual({ A: [[1], [1], [1]], B: [[2], [2], [2]] });
});

test("rounds in which all settle are played and do not count", async () => {
  const rounds: number[] = [];
  let turns = 0;
  const counting: Contestant = {
    name: "A",
    turn: async () => {
      turns += 1;
      return [turns];
    },
  };
  const { readings } = await playRounds([counting], 2, (round) => rounds.push(round), 3);
  expect(rounds).toEqual([-2, -1, 0, 1, 2]);
  expect(readings.get("A")).toEqual([[4], [5]]);
});

test("a variant that throws leaves the rounds with its error, the others go on", async () => {
  const error = new Error("broken");
  let turns = 0;
  const broken: Contestant = {
    name: "broken",
    turn: async () => {
      turns += 1;
      throw error;
    },
  };
  const { readings, failures } = await playRounds([broken, constant("B", 2)], 3, () => {});
  expect(failures).toEqual([{ variant: "broken", error }]);
  expect(turns).toBe(1);
  expect(readings.get("B")).toHaveLength(3);
});
