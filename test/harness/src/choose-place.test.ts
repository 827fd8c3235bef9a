import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { howToInstall } from "./install-binaries.ts";

const CHOOSE = `import { choosePlace } from ${JSON.stringify(new URL("./choose-place.ts", import.meta.url).href)};
choosePlace().then((place) => console.log(place.kind), (error) => { console.log(error.message); process.exitCode = 3; });`;

/** Chooses in a process of its own, whose environment is `env` alone. */
async function choose(env: Record<string, string>): Promise<string> {
  const result = await promisify(execFile)(
    process.execPath,
    ["--conditions=@headroom/source", "--input-type=module", "-e", CHOOSE],
    { env },
  ).catch((error: { stdout: string }) => error);
  return result.stdout.trim();
}

test("an unknown HEADROOM_SERVERS is refused with the words that are known", async () => {
  expect(await choose({ HEADROOM_SERVERS: "podman" })).toBe(
    'HEADROOM_SERVERS must be docker, local or auto, got "podman"',
  );
});

test("none is refused and says where a file belongs that takes a server", async () => {
  expect(await choose({ HEADROOM_SERVERS: "none" })).toContain('to the project "integration"');
});

test("docker without an engine fails and says so, instead of taking something else", async () => {
  const message = await choose({ HEADROOM_SERVERS: "docker", DOCKER_HOST: "tcp://127.0.0.1:9" });
  expect(message).toContain("no Docker engine answers");
});

test("auto takes local binaries when no engine answers", async () => {
  const env = {
    DOCKER_HOST: "tcp://127.0.0.1:9",
    HEADROOM_NO_INSTALL: "1",
    HEADROOM_POSTGRES: "/nowhere",
  };
  expect(await choose(env)).toContain("this machine lacks: postgres");
});

test("missing binaries that may not be installed fail with the command to type", async () => {
  const message = await choose({
    HEADROOM_SERVERS: "local",
    HEADROOM_NO_INSTALL: "1",
    HEADROOM_POSTGRES: "/nowhere",
    PATH: "/nowhere",
  });
  expect(message).toContain("These tests run on real servers");
  expect(message).toContain(howToInstall(["postgres", "redis"]).split("\n")[2] ?? "no command");
});
