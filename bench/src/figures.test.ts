import { expect, test } from "vitest";
import { area, type Case } from "./area.ts";
import { figuresOf } from "./figures.ts";

function serverCase(name: string): Case {
  const serves = (): number => 80;
  const declared = area("self-test", (bench) =>
    bench.server(name, {
      ours: serves,
      peers: { floor: serves },
      floor: "floor",
      load: () => async () => {},
    }),
  );
  const [only] = declared.cases;
  if (!only) throw new Error("no case was declared");
  return only;
}

test("the name of a figure follows that of its case", () => {
  const names = figuresOf(serverCase("proxy")).map(({ name }) => name);
  expect(names).toEqual(["proxy/cpu", "proxy/rate", "proxy/p50", "proxy/p99"]);
});

test("or stands where the case wants it", () => {
  const [cpu] = figuresOf(serverCase("proxy/{figure}/get"));
  expect(cpu).toMatchObject({ name: "proxy/cpu/get", unit: "CPU µs/op", better: "lower" });
});
