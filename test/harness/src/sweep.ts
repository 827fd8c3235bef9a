import { choosePlace } from "./choose-place.ts";
import { sweepDeadContainers } from "./places/docker.ts";
import { sweepDeadRuns } from "./run-directory.ts";

/** Ends the servers of processes that are gone, and only those. Returns their names. */
export async function sweep(): Promise<string[]> {
  const { kind } = await choosePlace();
  return [...sweepDeadRuns(), ...(kind === "docker" ? await sweepDeadContainers() : [])];
}
