import { requirePositive } from "@headroom/core/options";
import { armWatchdog } from "./watchdog.ts";

/** Longer than any honest test file takes, shorter than anybody's patience. */
const WITHIN_MS = 300_000;

// Never disarmed: each test file has a process of its own, and one that does not end is what it is for.
armWatchdog(
  "A test file",
  requirePositive("HEADROOM_WATCHDOG_MS", Number(process.env["HEADROOM_WATCHDOG_MS"] ?? WITHIN_MS)),
);
