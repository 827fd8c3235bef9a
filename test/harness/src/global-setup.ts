import { choosePlace } from "./choose-place.ts";
import { sweep } from "./sweep.ts";

/**
 * Once before all integration tests: decides where servers come from, and clears away what killed
 * runs left. Workers inherit the decision, so that one run never mixes the two.
 */
export async function setup(): Promise<void> {
  const { kind } = await choosePlace();
  process.env["HEADROOM_SERVERS"] = kind;
  console.log(`headroom: servers run ${kind === "docker" ? "in Docker" : "from local binaries"}`);
  const ended = await sweep();
  if (ended.length > 0) console.log(`headroom: ended what a killed run left: ${ended.join(", ")}`);
}

/** Once after all: workers that died leave nothing behind either. */
export async function teardown(): Promise<void> {
  const ended = await sweep();
  if (ended.length > 0) console.log(`headroom: ended what a dead worker left: ${ended.join(", ")}`);
}
