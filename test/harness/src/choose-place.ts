import { findBinaries } from "./binaries.ts";
import { installBinaries } from "./install-binaries.ts";
import type { Place } from "./place.ts";
import {
  dockerAnswers,
  dockerHasImages,
  dockerPlace,
  dockerSharesOurNetwork,
} from "./places/docker.ts";
import { localPlace } from "./places/local.ts";

let chosen: Promise<Place> | undefined;

/**
 * Where this process runs its servers, by `HEADROOM_SERVERS`:
 *
 * - `docker`: containers; fails when no engine answers or an image cannot be had.
 * - `local`: this machine's binaries, installed first where they are missing and that is safe.
 * - `auto` (default): Docker when an engine of this machine answers and has or can pull the images,
 *   else local.
 * - `none`: refused; for test files that are to need no place, see vitest.config.ts.
 *
 * Never neither: a test that needs a server and cannot have one fails.
 */
export function choosePlace(): Promise<Place> {
  chosen ??= choose();
  return chosen;
}

async function choose(): Promise<Place> {
  const wanted = process.env["HEADROOM_SERVERS"] ?? "auto";
  if (wanted === "docker") return requireDocker();
  if (wanted === "local") return requireLocal();
  if (wanted === "none") {
    throw new Error(
      'HEADROOM_SERVERS=none: this file takes a PostgreSQL or Redis and so belongs to the project "integration" of vitest.config.ts',
    );
  }
  if (wanted !== "auto")
    throw new Error(`HEADROOM_SERVERS must be docker, local or auto, got "${wanted}"`);
  return (await dockerSharesOurNetwork()) && (await dockerHasImages())
    ? dockerPlace
    : requireLocal();
}

async function requireDocker(): Promise<Place> {
  if (!(await dockerAnswers())) {
    throw new Error(
      "HEADROOM_SERVERS=docker, but no Docker engine answers. Start one, or leave the variable out",
    );
  }
  if (!(await dockerHasImages())) {
    throw new Error(
      "HEADROOM_SERVERS=docker, but an image is neither here nor can be pulled. Without a registry build equivalents first:\n\n" +
        '  eval "$(test/images/build.sh)"\n',
    );
  }
  return dockerPlace;
}

async function requireLocal(): Promise<Place> {
  let { directories, missing } = await findBinaries();
  if (missing.length > 0) {
    installBinaries(missing);
    ({ directories, missing } = await findBinaries());
    if (missing.length > 0)
      throw new Error(`Installed, but still not found: ${missing.join(", ")}`);
  }
  return localPlace(directories);
}
