import { parseArgs } from "node:util";

export const USAGE: string = `Usage: pnpm bench [area …] [options]

  --case GLOB   only the cases with such a name ("*" is any run of characters, also "/")
  --quick       fewer and shorter rounds, for a first look
  --json FILE   also write one object for every figure
  --help        this text`;

/** The user asked for something that is not there; the message says what is. */
export class UsageError extends Error {}

export interface Arguments {
  /** Empty: all. */
  readonly areas: readonly string[];
  readonly caseGlob: string;
  readonly quick: boolean;
  readonly jsonFile: string | undefined;
  readonly help: boolean;
}

/** @throws UsageError for an option that does not exist or lacks its value. */
export function parseArguments(args: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({
      // `pnpm bench -- --quick`, a habit from npm, reaches us with its "--".
      args: args.filter((argument) => argument !== "--"),
      allowPositionals: true,
      options: {
        case: { type: "string", default: "*" },
        quick: { type: "boolean", default: false },
        json: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const { case: caseGlob, quick, json: jsonFile, help } = values;
    return { areas: positionals, caseGlob, quick, jsonFile, help };
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}
