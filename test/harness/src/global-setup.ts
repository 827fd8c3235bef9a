import { choosePlace } from "./choose-place.ts";
import { sweepDeadContainers } from "./places/docker.ts";
import { sweepDeadRuns } from "./run-directory.ts";

/**
 * Once before all integration tests: clears away what killed runs left, and decides where servers
 * come from. Workers inherit the decision, so that one run never mixes the two.
 */
export async function setup(): Promise<void> {
  const place = await choosePlace();
  process.env["HEADROOM_SERVERS"] = place.kind;
  const ended = await sweep();
  if (ended.length > 0) console.log(`headroom: ended servers of a killed run: ${ended.join(", ")}`);
  console.log(
    `headroom: servers run ${place.kind === "docker" ? "in Docker" : "from this machine's binaries"}`,
  );
}

/** Once after all: workers that were stopped hard leave nothing behind either. */
export async function teardown(): Promise<void> {
  const ended = await sweep();
  if (ended.length > 0)
    console.log(`headroom: ended servers of a worker that did not: ${ended.join(", ")}`);
}

async function sweep(): Promise<string[]> {
  const { kind } = await choosePlace();
  return [...sweepDeadRuns(), ...(kind === "docker" ? await sweepDeadContainers() : [])];
}
