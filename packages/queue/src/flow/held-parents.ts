/**
 * Finds what parents wait for in vain, and tells them.
 *
 * A child's end is told to its parent before its own queue is told (`report-end.ts`), but for the ends
 * that nobody foresees: a sweep finds it dead, somebody cancels or purges it, and the process that
 * did so dies, or the parent's server is away, before the parent is told. So now and then those that
 * wait are looked through, the oldest first: what has each child become that they know nothing of?
 *
 * A child that is gone was cancelled or purged. It cannot be one that was done: that would have been
 * reported before, and is looked for once more when the child was not found.
 *
 * The work is bounded: so many children a round, and the next round goes on where this one ended.
 */

import type { ParentRef } from "../driver.ts";
import type { ChildOutcome, JobRecord } from "../driver-powers.ts";
import type { QueuePlace } from "./queue-directory.ts";
import { reportEnd } from "./report-end.ts";

const PARENTS_A_ROUND = 20;
const CHILDREN_A_ROUND = 200;

export class HeldParents {
  readonly #place: QueuePlace;
  #cursor: string | undefined;

  /** @param place the parents' queue. */
  constructor(place: QueuePlace) {
    this.#place = place;
  }

  /**
   * One round.
   * @returns how many children were reported.
   * @throws QueueError `QUEUE_UNAVAILABLE`
   */
  async look(): Promise<number> {
    const { admin, flows } = this.#place.driver;
    if (admin === undefined || flows === undefined) return 0;
    const { settings } = this.#place;
    const page = await admin.list(settings, "held", {
      limit: PARENTS_A_ROUND,
      cursor: this.#cursor,
    });
    this.#cursor = page.cursor;
    let looks = CHILDREN_A_ROUND;
    let reported = 0;
    for (const parent of page.jobs) {
      const children = await flows.children(settings, parent.id);
      const unknown = children.filter(({ outcome }) => outcome === undefined);
      for (const child of unknown.slice(0, looks)) {
        looks--;
        if (await this.#lookAt(parent, child)) reported++;
      }
    }
    return reported;
  }

  async #lookAt(parent: JobRecord, child: ParentRef): Promise<boolean> {
    const place = this.#place.directory.find(child.queue);
    const { admin } = place?.driver ?? {};
    if (place === undefined || admin === undefined) return false;
    const found = await admin.find(place.settings, child.id);
    const outcome = found === undefined ? await this.#ofMissing(parent, child) : endOfRecord(found);
    if (outcome === undefined) return false;
    const queue = this.#place.directory.answer(this.#place.settings.name, child.queue);
    await reportEnd(place, { id: child.id, parent: { queue, id: parent.id } }, outcome);
    return true;
  }

  async #ofMissing(parent: JobRecord, child: ParentRef): Promise<ChildOutcome | undefined> {
    const { driver, settings } = this.#place;
    const children = (await driver.flows?.children(settings, parent.id)) ?? [];
    const still = children.find(({ queue, id }) => queue === child.queue && id === child.id);
    // Reported in the meantime, or the parent itself is gone.
    if (still === undefined || still.outcome !== undefined) return undefined;
    return { kind: "dead", reason: "cancelled" };
  }
}

function endOfRecord({ state, result, reason }: JobRecord): ChildOutcome | undefined {
  if (state === "done") return { kind: "done", result };
  if (state === "cancelled") return { kind: "dead", reason: "cancelled" };
  return state === "dead" ? { kind: "dead", reason: reason ?? "attempts-exhausted" } : undefined;
}
