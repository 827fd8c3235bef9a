import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startPostgres, startRedis, useServers } from "@headroom/harness";
import { beforeEach, expect, test } from "vitest";

/** Every example is run as it stands, with servers where it asks for them, and prints what it says. */

const ROOT = new URL("../../", import.meta.url);
const FILES = readdirSync(new URL("examples", ROOT)).filter((file) => file.endsWith(".ts"));

const redis = useServers(() => startRedis());
const postgres = useServers(() => startPostgres({ replicas: 1 }));

beforeEach(() => redis().primary.command("FLUSHALL"));

test.each(FILES)("examples/%s prints what it says", async (file) => {
  const [replica] = postgres().replicas;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=@headroom/source", fileURLToPath(new URL(`examples/${file}`, ROOT))],
    {
      env: {
        ...process.env,
        REDIS_URL: `redis://${redis().primary.direct.host}:${redis().primary.direct.port}`,
        DATABASE_URL: postgres().primary.url("postgres", postgres().primary.direct),
        REPLICA_URL: replica?.url("postgres", replica.direct),
      },
    },
  );
  expect(stdout).toBe(whatItSays(file));
});

/** The main example of a package is the first of its README, all others end in a comment. */
function whatItSays(file: string): string | undefined {
  const example = readFileSync(new URL(`examples/${file}`, ROOT), "utf8");
  const comment = /\n\/\/ Prints:\n((?:\/\/.*\n)+)$/.exec(example)?.[1];
  if (comment !== undefined) return comment.replace(/^\/\/ ?/gm, "");
  const readme = new URL(`packages/${file.replace(".ts", "")}/README.md`, ROOT);
  return /```text\n([\s\S]*?)```/.exec(readFileSync(readme, "utf8"))?.[1];
}
