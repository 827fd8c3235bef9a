import { expect, test } from "vitest";
import { pnpmCommand } from "./pnpm-command.ts";

const agent = "pnpm/12.21.0 npm/? node/? linux x64";

test("the pnpm that started the script is taken: a program", () => {
  const environment = { npm_config_user_agent: agent, npm_execpath: "/opt/pnpm/pnpm" };
  expect(pnpmCommand(environment)).toEqual(["/opt/pnpm/pnpm"]);
});

test("the pnpm that started the script is taken: a file for Node", () => {
  const environment = { npm_config_user_agent: agent, npm_execpath: "/opt/pnpm/bin/pnpm.cjs" };
  expect(pnpmCommand(environment)).toEqual([process.execPath, "/opt/pnpm/bin/pnpm.cjs"]);
});

test("started by npm or by hand, npx brings a pnpm", () => {
  const npm = { npm_config_user_agent: "npm/11.0.0", npm_execpath: "/opt/npm/bin/npm-cli.js" };
  expect(pnpmCommand(npm)).toEqual(["npx", "-y", "pnpm@12"]);
  expect(pnpmCommand({})).toEqual(["npx", "-y", "pnpm@12"]);
});
