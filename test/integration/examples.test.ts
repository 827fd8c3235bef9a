import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const NAMES = readdirSync(new URL("examples", ROOT)).filter((file) => file.endsWith(".ts"));

test.each(NAMES)("examples/%s prints what its README says", async (file) => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=@headroom/source",
    fileURLToPath(new URL(`examples/${file}`, ROOT)),
  ]);
  const readme = readFileSync(
    new URL(`packages/${file.replace(".ts", "")}/README.md`, ROOT),
    "utf8",
  );
  expect(stdout).toBe(/```text\n([\s\S]*?)```/.exec(readme)?.[1]);
});
