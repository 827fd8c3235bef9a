import { rmSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { runDirectory, sweepDeadRuns } from "../harness/src/run-directory.ts";
import { createConsumerApp } from "./consumer-app.ts";
import { packPackages } from "./packed-packages.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder of the app into which the packed packages are installed. */
    consumerApp: string;
  }
}

/**
 * Once for all consumer tests: clears away what killed runs left, builds, packs and installs.
 * Returns what removes it again.
 */
export default async function setup(project: TestProject): Promise<() => void> {
  sweepDeadRuns();
  const directory = join(runDirectory(), "consumer");
  const app = join(directory, "shop");
  await createConsumerApp(app, await packPackages(join(directory, "tarballs")));
  project.provide("consumerApp", app);
  return () => {
    rmSync(directory, { recursive: true, force: true });
    sweepDeadRuns(); // a worker that vitest ends may leave its own directory
  };
}
