import { packageNames, type Repository, sources } from "./repository.ts";

/** A rule looks at the repository and names each place that breaks it. */
export type Rule = (repository: Repository) => string[];

const EMPTY_NAME = /(^|\/)(utils?|helpers?|common|misc|types)(\.[^/]*)?(\/|$)/;

/** A file is named for its idea, not for being left over. */
export const filesAreNamedForTheirIdea: Rule = (repository) =>
  [...repository.keys()].filter((path) => EMPTY_NAME.test(path));

const HIDDEN_TIME_OR_CHANCE =
  /\bnew Date\(\)|\b(Date\.now|setTimeout|setInterval|setImmediate|performance\.now|Math\.random|AbortSignal\.timeout|timers\/promises)\b/;
/** The system's clock and chance; and the manual clock, which waits for real microtasks to drain. */
const THE_SYSTEM_ITSELF = new Set(
  ["clock", "random", "testing"].map((name) => `packages/core/src/${name}.ts`),
);

/** Time and chance come in through `clock` and `random`; comments may speak of them. */
export const timeAndChanceAreInjected: Rule = (repository) =>
  sources(repository)
    .filter(([path]) => !THE_SYSTEM_ITSELF.has(path))
    .flatMap(([path, text]) =>
      withoutComments(text)
        .split("\n")
        .flatMap((line, index) =>
          HIDDEN_TIME_OR_CHANCE.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
        ),
    );

/** What a package exports is there, and in all three forms: source, types, code. */
export const exportsHaveTheirSource: Rule = (repository) =>
  packageNames(repository).flatMap((name) => {
    const manifest = JSON.parse(repository.get(`packages/${name}/package.json`) ?? "{}");
    return Object.entries<Record<string, string> | string>(manifest.exports ?? {}).flatMap(
      ([path, target]) => {
        if (path === "./package.json") return [];
        const where = `packages/${name}/package.json: exports["${path}"]`;
        if (typeof target === "string") return [`${where} has no @headroom/source`];
        const source = target["@headroom/source"] ?? "";
        if (!repository.has(`packages/${name}/${source.replace("./", "")}`))
          return [`${where}: no file ${source}`];
        const built = source.replace("./src/", "./dist/");
        const wanted = {
          types: built.replace(/\.ts$/, ".d.ts"),
          default: built.replace(/\.ts$/, ".js"),
        };
        return Object.entries(wanted).flatMap(([form, file]) =>
          target[form] === file
            ? []
            : [`${where}: ${form} is ${target[form]}, its source says ${file}`],
        );
      },
    );
  });

const KNOWS_NOBODY = new Set(["core", "hashing"]);

/** core and hashing know nobody, telemetry knows core, every other package core and hashing. */
export const dependenciesPointOneWay: Rule = (repository) =>
  sources(repository).flatMap(([path, text]) => {
    const own = path.split("/")[1] ?? "";
    const allowed = KNOWS_NOBODY.has(own)
      ? []
      : own === "telemetry"
        ? ["core"]
        : ["core", "hashing"];
    const imports = [
      ...text.matchAll(/(?:from|import)[ (]*"(?:@headroom\/([\w-]+)[^"]*|((?:\.\.\/)+[^"]*))"/g),
    ];
    return imports.flatMap(([, other, relative]) => {
      if (other !== undefined)
        return allowed.includes(other) ? [] : [`${path} imports @headroom/${other}`];
      const depth = path.split("/").length - 4;
      return (relative?.split("../").length ?? 1) - 1 > depth
        ? [`${path} leaves its package: ${relative}`]
        : [];
    });
  });

/** The first example of a package's README is the file in examples/ that a test runs. */
export const readmesShowTheirExample: Rule = (repository) =>
  packageNames(repository).flatMap((name) => {
    const readme = repository.get(`packages/${name}/README.md`);
    if (readme === undefined) return [`packages/${name} has no README.md`];
    const example = repository.get(`examples/${name}.ts`);
    if (example === undefined) return [`examples/${name}.ts does not exist`];
    const shown = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
    return shown === example
      ? []
      : [`The first example of packages/${name}/README.md is not examples/${name}.ts`];
  });

/** A mechanism has its test next door; what declares types alone is tested by the compiler. */
export const mechanismsHaveTheirTest: Rule = (repository) =>
  sources(repository)
    .filter(([path, text]) => !path.endsWith("/index.ts") && DOES_SOMETHING.test(text))
    .map(([path]) => path)
    .filter((path) => !repository.has(path.replace(/\.ts$/, ".test.ts")));

const DOES_SOMETHING = /^export (?!type\b|interface\b|declare\b)/m;

const LONGEST_FILE = 400;

/** A file past this is two ideas. */
export const filesHoldOneIdea: Rule = (repository) =>
  [...repository]
    .filter(
      ([path]) =>
        /^(packages|test|bench|demo|examples)\/.*\.ts$/.test(path) && !path.endsWith(".test.ts"),
    )
    .map(([path, text]) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > LONGEST_FILE)
    .map(({ path, lines }) => `${path} has ${lines} lines`);

/** Blanks comments out and keeps the line numbers. */
function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|\s)\/\/.*$/gm, "$1");
}
