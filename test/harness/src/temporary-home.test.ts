import { tmpdir } from "node:os";
import { afterEach, expect, test, vi } from "vitest";
import { temporaryHome } from "./temporary-home.ts";

afterEach(() => void vi.unstubAllEnvs());

test("TMPDIR decides where the files of a run are", () => {
  vi.stubEnv("TMPDIR", "/somewhere/else");
  expect(temporaryHome()).toBe("/somewhere/else");
});

test("without it they are in memory, or where temporary files usually are", () => {
  vi.stubEnv("TMPDIR", undefined);
  expect(["/dev/shm", tmpdir()]).toContain(temporaryHome());
});
