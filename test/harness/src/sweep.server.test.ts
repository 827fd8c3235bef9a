import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { startRedis } from "./redis-replica-set.ts";
import { sweep } from "./sweep.ts";

const FLAGS = ["--conditions=@headroom/source"];

function run(fixture: string) {
  const file = fileURLToPath(new URL(`./fixtures/${fixture}`, import.meta.url));
  const child = spawn(process.execPath, [...FLAGS, file], { stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const firstLine = once(createInterface(child.stdout), "line").then(([line]) => JSON.parse(line));
  return { child, firstLine, exit: once(child, "exit"), stderr: () => stderr };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

test("the servers of a run that was killed are ended by the next, which leaves living runs alone", async () => {
  await using mine = await startRedis();
  const { child, firstLine, exit } = run("hold-servers.ts");
  const ports = (await firstLine) as number[];
  expect(ports).toHaveLength(3);

  // While the other run lives, its servers are none of our business.
  expect(await sweep()).toEqual([]);
  expect(await Promise.all(ports.map(listens))).toEqual([true, true, true]);

  child.kill("SIGKILL");
  await exit;
  expect(await Promise.all(ports.map(listens))).toEqual([true, true, true]);

  const ended = await sweep();
  expect(ended).toHaveLength(3);
  await eventually(
    "no orphan listens",
    async () => !(await Promise.all(ports.map(listens))).includes(true),
  );
  expect(await mine.primary.command("PING")).toBe("PONG");
});

test("a process that hangs is ended by its watchdog, which says what it hung on", async () => {
  const { firstLine, exit, stderr } = run("hang.ts");
  const port = (await firstLine) as number;
  expect(await exit).toEqual([null, "SIGKILL"]);
  expect(stderr()).toContain("The hanging fixture still runs after 200 ms");
  expect(stderr()).toMatch(/Open handles: .*TCPServerWrap/);
  expect(stderr()).toMatch(/server on port \d+/);
  await sweep();
  await eventually("its server is gone too", async () => !(await listens(port)));
});

test("a test file that never ends is ended by the watchdog too, though the runner forbids an exit", async () => {
  const vitest = fileURLToPath(new URL("../vitest.mjs", import.meta.resolve("vitest")));
  const child = spawn(process.execPath, [vitest, "run"], {
    cwd: fileURLToPath(new URL("fixtures/hanging", import.meta.url)),
    env: { ...process.env, HEADROOM_WATCHDOG_MS: "500", HEADROOM_REPORT: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  expect(await once(child, "exit")).toEqual([1, null]);
  expect(output).toContain("A test file still runs after 500 ms");
});
