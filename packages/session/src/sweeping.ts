/** Removes expired sessions now and then, a batch at a time, not in all processes at once. */

import type { Clock, Timer } from "@headroom/core/clock";
import { type Random, systemRandom } from "@headroom/core/random";
import type { Sweeper } from "./store.ts";

const EVERY_MS = 60_000;
const BATCH = 1_000;

/** @returns ends it. A sweep that fails is made good by the next. */
export function sweepRegularly(
  store: Sweeper,
  clock: Clock,
  random: Random = systemRandom,
): () => void {
  let timer: Timer | undefined;
  let isOver = false;
  const plan = (delayMs: number): void => {
    if (!isOver) timer = clock.timer(sweep, delayMs);
  };
  const sweep = (): void => {
    store.sweep(BATCH).then(
      // As long as there are full batches, the next follows soon.
      (removed) => plan(removed === BATCH ? 100 : EVERY_MS * (0.5 + random())),
      () => plan(EVERY_MS),
    );
  };
  plan(EVERY_MS * random());
  return () => {
    isOver = true;
    timer?.cancel();
  };
}
