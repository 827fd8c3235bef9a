import type { Area, Case } from "./area.ts";
import { importArea, selectAreaFiles } from "./area-files.ts";
import { type Arguments, parseArguments, USAGE, UsageError } from "./arguments.ts";
import { currentLoad, type Environment } from "./environment.ts";
import { figuresOf } from "./figures.ts";
import { matchesGlob } from "./glob.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Pace, Paces } from "./pace.ts";
import type { Progress } from "./progress.ts";
import { type ReportedFigure, toReported, writeReport } from "./report.ts";
import type { Row } from "./rows.ts";
import { type Run, runCase } from "./run-case.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { formatTable } from "./table.ts";

/** What a run works with; a test passes its own. */
export interface Surroundings {
  /** The folder of the area files. */
  readonly areas: string;
  readonly environment: Environment;
  readonly paces: Paces;
  readonly stopwatch: Stopwatch;
  readonly lifetime: Lifetime;
  readonly progress: Progress;
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
}

/** 0: all measured. 1: something failed, the rest was measured. 2: nothing could be run as asked. */
export type ExitCode = 0 | 1 | 2;

interface SelectedArea {
  readonly file: string;
  readonly name: string;
  readonly cases: readonly Case[];
}

/** The whole of `pnpm bench …`. */
export async function run(args: readonly string[], around: Surroundings): Promise<ExitCode> {
  try {
    const asked = parseArguments(args);
    if (asked.help) {
      around.print(USAGE);
      return 0;
    }
    return await new BenchRun(asked, around).play();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    around.printError(error.message);
    return 2;
  }
}

class BenchRun {
  readonly #asked: Arguments;
  readonly #around: Surroundings;
  readonly #pace: Pace;
  readonly #reported: ReportedFigure[] = [];
  readonly #failures: string[] = [];

  constructor(asked: Arguments, around: Surroundings) {
    this.#asked = asked;
    this.#around = around;
    this.#pace = asked.quick ? around.paces.quick : around.paces.full;
  }

  async play(): Promise<ExitCode> {
    const { jsonFile } = this.#asked;
    const areas = await this.#select();
    if (jsonFile !== undefined) writeReport(jsonFile, []);
    this.#printHead();
    for (const area of areas) await this.#playArea(area);
    if (jsonFile !== undefined) writeReport(jsonFile, this.#reported);
    for (const failure of this.#failures) this.#around.printError(failure);
    return this.#failures.length > 0 ? 1 : 0;
  }

  async #select(): Promise<SelectedArea[]> {
    const { areas, caseGlob } = this.#asked;
    const selected: SelectedArea[] = [];
    for (const file of selectAreaFiles(this.#around.areas, areas)) {
      const area = await this.#import(file);
      const cases = area?.cases.filter((declared) => isAsked(declared, caseGlob)) ?? [];
      if (area && cases.length > 0) selected.push({ file, name: area.name, cases });
    }
    if (selected.length === 0 && this.#failures.length === 0) {
      throw new UsageError(`No case matches --case "${caseGlob}"`);
    }
    return selected;
  }

  async #import(file: string): Promise<Area | undefined> {
    try {
      return await importArea(file);
    } catch (error) {
      this.#failures.push(formatFailure(file, error));
      return undefined;
    }
  }

  #printHead(): void {
    const { cpu, cores, load, versions } = this.#around.environment;
    const looks = `${this.#pace.rounds} rounds of ${this.#pace.turnMs} ms`;
    this.#around.print(
      `${cpu}, ${cores} cores · load ${load} · Node ${versions["node"]} · ${looks}\n`,
    );
  }

  async #playArea({ file, name, cases }: SelectedArea): Promise<void> {
    const { progress, stopwatch, lifetime, environment, print } = this.#around;
    const rows: Row[] = [];
    const show = (line: string): void => progress.show(`${name} · ${line}`);
    const caseRun: Run = { pace: this.#pace, stopwatch, lifetime, progress: show };
    for (const declared of cases) {
      const at = { ...environment, load: currentLoad() };
      const result = await runCase(declared, file, caseRun);
      rows.push(...result.rows);
      this.#reported.push(
        ...result.rows.map((row) => toReported(name, row, at, this.#asked.quick)),
      );
      for (const { variant, error } of result.failures) {
        this.#failures.push(formatFailure(`${name} · ${declared.name} · ${variant}`, error));
      }
    }
    progress.clear();
    if (rows.length > 0) print(formatTable(name, rows));
  }
}

/** By the name of the case, or by that of a figure as a table shows it. */
function isAsked(declared: Case, glob: string): boolean {
  const names = [declared.name, ...figuresOf(declared).map(({ name }) => name)];
  return names.some((name) => matchesGlob(name, glob));
}

function formatFailure(where: string, error: unknown): string {
  return `FAILED ${where}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
}
