import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const FIXTURE = fileURLToPath(new URL("./fixtures/failover.ts", import.meta.url));

test("HEADROOM_POSTGRES=npm runs a whole cluster from the npm package's binaries", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=@headroom/source", FIXTURE],
    { env: { ...process.env, HEADROOM_SERVERS: "local", HEADROOM_POSTGRES: "npm" } },
  );
  expect(JSON.parse(stdout)).toEqual({
    version: expect.stringMatching(/^PostgreSQL 18\./),
    rows: [{ id: 1 }, { id: 2 }],
  });
});
