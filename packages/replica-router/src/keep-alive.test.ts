import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { KeepAlive } from "./keep-alive.ts";

/** What a process of its own prints that awaits something which holds nothing itself. */
async function run(awaited: string): Promise<string> {
  const module = new URL("keep-alive.ts", import.meta.url).href;
  const text = `
    import { KeepAlive } from ${JSON.stringify(module)};
    const keep = new KeepAlive();
    const soon = (then) => new Promise((resolve) => setTimeout(resolve, 50, then).unref());
    console.log(await ${awaited});
  `;
  const command = ["--input-type=module", "--eval", text];
  const { stdout } = await promisify(execFile)(process.execPath, command).catch((error) => error);
  return stdout.trim();
}

test("who waits is not ended in the middle of it, and ends after it", async () => {
  expect(await run('soon("done")')).toBe("");
  expect(await run('keep.during(soon("done"))')).toBe("done");
  expect(await run('keep.during(soon("one")).then(() => keep.during(soon("two")))')).toBe("two");
});

test("a failure is the failure, and lets go", async () => {
  const keep = new KeepAlive();
  await expect(keep.during(Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await run('keep.during(Promise.reject(1)).catch(() => "failed")')).toBe("failed");
});
