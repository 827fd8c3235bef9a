/** Looks through the parents that are held, now and then, not in all processes at once. */

import type { Clock, Timer } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";
import { HeldParents } from "./held-parents.ts";
import type { QueuePlace } from "./queue-directory.ts";

const EVERY_MS = 30_000;

/** @returns ends it. A round that fails is made good by the next. */
export function watchHeld(place: QueuePlace, clock: Clock, random: Random): () => void {
  const parents = new HeldParents(place);
  let timer: Timer | undefined;
  let isOver = false;
  const plan = (): void => {
    if (!isOver) timer = clock.timer(look, EVERY_MS * (0.5 + random()));
  };
  const look = (): void => {
    parents.look().then(plan, plan);
  };
  if (place.driver.flows !== undefined && place.driver.admin !== undefined) plan();
  return () => {
    isOver = true;
    timer?.cancel();
  };
}
