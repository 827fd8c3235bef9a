/** A program and the arguments to put before one's own. */
export type Command = readonly [program: string, ...args: string[]];

/**
 * The pnpm that started us, as `npm_execpath` tells a script: a program of its own (pnpm 12) or a
 * file for Node (before). Started in another way, `npx` brings one.
 */
export function pnpmCommand(environment: NodeJS.ProcessEnv): Command {
  const started = environment["npm_execpath"];
  const agent = environment["npm_config_user_agent"] ?? "";
  if (!started || !agent.startsWith("pnpm/")) return ["npx", "-y", "pnpm@12"];
  return /\.[cm]?js$/.test(started) ? [process.execPath, started] : [started];
}
