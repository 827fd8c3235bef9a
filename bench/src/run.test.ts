import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Lifetime } from "./lifetime.ts";
import { Progress } from "./progress.ts";
import type { ReportedFigure } from "./report.ts";
import { run } from "./run.ts";
import { systemStopwatch } from "./stopwatch.ts";

const environment = {
  cpu: "test",
  cores: 2,
  load: 0,
  platform: "test",
  versions: { node: "24.0.0" },
};

const shortest = { rounds: 3, turnMs: 5, warmUpMs: 5, openLoopMs: 5 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "headroom-bench-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function bench(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  let out = "";
  let errors = "";
  const code = await run(args, {
    areas: fileURLToPath(new URL("./fixtures/areas", import.meta.url)),
    environment,
    paces: { full: shortest, quick: shortest },
    stopwatch: systemStopwatch,
    lifetime: new Lifetime(),
    progress: new Progress(new PassThrough() as unknown as NodeJS.WriteStream),
    print: (text) => {
      out += `${text}\n`;
    },
    printError: (text) => {
      errors += `${text}\n`;
    },
  });
  return { code, out, errors };
}

async function benchToJson(
  ...args: string[]
): Promise<{ code: number; figures: ReportedFigure[] }> {
  const file = join(folder, "out.json");
  const { code } = await bench(...args, "--json", file);
  return { code, figures: JSON.parse(readFileSync(file, "utf8")) as ReportedFigure[] };
}

describe("a figure", () => {
  test("is one object of the JSON file for every peer", async () => {
    const { code, figures } = await benchToJson("toy", "--quick", "--case", "share/*");
    expect(code).toBe(0);
    expect(figures).toHaveLength(2);
    expect(figures[0]).toEqual({
      area: "toy",
      case: "share/moved",
      ours: 3,
      peer: "ideal",
      theirs: 2,
      unit: "%",
      better: "lower",
      ratio: 1.5,
      ratioMin: 1.5,
      ratioMax: 1.5,
      rounds: 1,
      floor: true,
      floorSpread: 1,
      quick: true,
      environment: { ...environment, load: expect.any(Number) },
    });
  });

  test("may be one of several of a case, each with its own unit and direction", async () => {
    const { figures } = await benchToJson("toy", "--quick", "--case", "trip/*");
    const told = figures.map(({ case: name, ours, theirs, unit, better }) => [
      name,
      ours,
      theirs,
      unit,
      better,
    ]);
    expect(told).toEqual([
      ["trip/delay at most", 5, 10, "ms", "lower"],
      ["trip/seats", 40, 20, "", "higher"],
    ]);
  });

  test("is one line of the table for every peer", async () => {
    const { out } = await bench("toy", "--quick", "--case", "share/*");
    expect(out).toMatch(/share\/moved +3 +ideal \(floor\) +2 +% +1\.50 +\(1\.50 … 1\.50\) +lower/);
    expect(out).toMatch(/share\/moved +3 +modulo +6 +% +0\.50 +\(0\.50 … 0\.50\) +lower/);
  });
});

describe("variants in processes of their own", { timeout: 60_000 }, () => {
  test("are measured in CPU time, rate and latency; those that fail are named", async () => {
    const file = join(folder, "out.json");
    const { code, errors } = await bench("toy", "--quick", "--case", "answer", "--json", file);
    const figures = JSON.parse(readFileSync(file, "utf8")) as ReportedFigure[];
    expect(figures.map((figure) => `${figure.case} ${figure.peer} ${figure.rounds}`)).toEqual([
      "answer/cpu same 3",
      "answer/rate same 3",
      "answer/p50 same 3",
      "answer/p99 same 3",
    ]);
    for (const { ours } of figures) expect(ours).toBeGreaterThan(0);
    expect(code).toBe(1);
    expect(errors).toContain("toy · answer · cannot open\nError: no such server");
    expect(errors).toContain(
      "toy · answer · dies\nError: the variant's own process ended with exit",
    );
  });

  test("may be servers, loaded by the runner", async () => {
    const { code, figures } = await benchToJson("toy", "--quick", "--case", "echo/p50");
    expect(code).toBe(0);
    expect(figures.map((figure) => figure.case)).toEqual([
      "echo/cpu",
      "echo/rate",
      "echo/p50",
      "echo/p99",
    ]);
  });
});

describe("what fails", () => {
  test("fails the run by name, and everything else is measured", async () => {
    const { code, out, errors } = await bench("failing", "--quick");
    expect(code).toBe(1);
    expect(errors).toContain(
      "failing · peer fails in its second round · flaky\nError: peer gave up",
    );
    expect(errors).toContain("failing · ours fails at once · ours\nError: ours has no luck");
    expect(out).toContain("peer fails in its second round  ");
    expect(out).not.toContain("flaky");
    expect(out).toContain("still measured");
  });

  test("may be an area file, and the other areas run", async () => {
    const { code, out, errors } = await bench("unreadable", "failing", "--case", "still measured");
    expect(code).toBe(1);
    expect(errors).toContain("this area cannot be imported");
    expect(out).toContain("still measured");
  });
});

describe("what cannot be run as asked", () => {
  test("is an area that does not exist: exit code 2 and the areas there are", async () => {
    expect(await bench("nope")).toEqual({
      code: 2,
      out: "",
      errors: 'There is no area "nope". Areas: failing, toy, unreadable\n',
    });
  });

  test("is a case that does not exist", async () => {
    const { code, errors } = await bench("toy", "--case", "nope/*");
    expect(code).toBe(2);
    expect(errors).toContain('No case matches --case "nope/*"');
  });

  test("is an option that does not exist", async () => {
    const { code, errors } = await bench("--fast");
    expect(code).toBe(2);
    expect(errors).toContain("--fast");
  });

  test("is a JSON file that cannot be written, found before anything is measured", async () => {
    const { code, out, errors } = await bench("toy", "--json", join(folder, "no/such/out.json"));
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(errors).toContain("Cannot write --json");
  });
});

test("--help prints how to call it", async () => {
  const { code, out } = await bench("--help");
  expect(code).toBe(0);
  expect(out).toContain("Usage: pnpm bench");
});
