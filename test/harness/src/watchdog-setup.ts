import { afterAll } from "vitest";
import { armWatchdog } from "./watchdog.ts";

/** Longer than any honest test file takes, shorter than anybody's patience. */
const WITHIN_MS = Number(process.env["HEADROOM_WATCHDOG_MS"] ?? 300_000);

const watchdog = armWatchdog("A test file", WITHIN_MS);
afterAll(() => watchdog[Symbol.dispose]());
