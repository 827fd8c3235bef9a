/**
 * Adds a family: a job that waits for others, which may wait for others.
 *
 *     1. name all, so that each child knows its parent and each parent its children
 *     2. check and encode all: what is wrong with any of them is found before one is added
 *     3. add those that wait for nobody; they may run at once
 *     4. hold the others, the deepest first, the root last
 *
 * The members may be on several servers, so this is not one step. A child that ends before its parent
 * is there is written down for it (see `Flows`). If adding fails on the way, those that were added and
 * have not ended are cancelled, and it throws; if this process dies on the way, they run, and what is
 * written down for a parent that never came is forgotten after a day. So a flow is worth a name of its
 * own (`id`) where it must be there exactly once: added again, only what is missing is added.
 *
 * Children are not deduplicated by the key of their definition: their parent waits for them and not
 * for some other job.
 */

import type { Enqueued, NewJob, ParentRef, QueueSettings } from "../driver.ts";
import { QueueError } from "../errors.ts";
import type { Added } from "../producer.ts";
import type { FlowNode } from "./flow-node.ts";
import { reportEnd } from "./report-end.ts";

const MOST_AT_ONCE = 1_000;
const LONGEST_ID = 200;

/** A member with its name and what its server is given. */
interface Member {
  readonly node: FlowNode;
  readonly job: NewJob;
  readonly children: readonly Member[];
}

/**
 * @returns what became of the root: `duplicate` when a living job has its dedup key or its id.
 * @throws QueueError `QUEUE_INVALID`, `QUEUE_VALUE`, `QUEUE_TOO_LARGE` before any is added; `QUEUE_FULL`,
 *   `QUEUE_UNAVAILABLE`.
 */
export async function addFlow(root: FlowNode): Promise<Added> {
  const isNamed = root.options.id !== undefined;
  const family = await prepare(root, { id: root.options.id ?? root.queue.newId(), isNamed });
  const added: Member[] = [];
  const undo = async (): Promise<void> => {
    // One with a name is added again by the same names: what is there already stays.
    if (!isNamed) await cancelAll(added);
  };
  try {
    await addLeaves(family, added);
    const held = await holdParents(family, added);
    // Another flow has the root's dedup key: nobody waits for our children.
    if (held.id !== family.job.id) await undo();
    return held;
  } catch (error) {
    await undo();
    throw error;
  }
}

/** How many jobs there are in a family. O(jobs). */
export function sizeOf(node: FlowNode): number {
  return node.children.reduce((sum, child) => sum + sizeOf(child), 1);
}

interface Naming {
  readonly id: string;
  /** Not made for this call. */
  readonly isNamed: boolean;
}

async function prepare(
  node: FlowNode,
  { id, isNamed }: Naming,
  above?: { readonly node: FlowNode; readonly id: string },
): Promise<Member> {
  const { queue, data, options } = node;
  if (queue.place.driver.flows === undefined) throw unsupported(node);
  const parent = above && refOf(above.node, above.id, node);
  if (id.length > LONGEST_ID) {
    throw new TypeError(`the id of a flow is too long for its descendants: ${LONGEST_ID} at most`);
  }
  const job = await queue.prepare(data, { ...options, id }, parent);
  const children: Member[] = [];
  for (const [at, child] of node.children.entries()) {
    const own = child.options.id;
    const naming = {
      id: own ?? (isNamed ? `${id}.${at}` : child.queue.newId()),
      isNamed: own !== undefined || isNamed,
    };
    children.push(await prepare(child, naming, { node, id }));
  }
  const dedup = above === undefined ? job.dedup : undefined;
  return { node, job: { ...job, mayExist: isNamed, dedup }, children };
}

/** How `node` is named to a member of its family that is in the queue of `to`. */
function refOf(node: FlowNode, id: string, to: FlowNode): ParentRef {
  const { directory, settings } = node.queue.place;
  return { queue: directory.reference(settings.name, to.queue.place.directory), id };
}

function* membersOf(member: Member): Iterable<Member> {
  for (const child of member.children) yield* membersOf(child);
  yield member;
}

/** Those of one queue go together. */
async function addLeaves(family: Member, added: Member[]): Promise<void> {
  const byQueue = new Map<QueueSettings, Member[]>();
  for (const member of membersOf(family)) {
    if (member.children.length > 0 || member === family) continue;
    const { settings } = member.node.queue.place;
    const members = byQueue.get(settings) ?? [];
    members.push(member);
    byQueue.set(settings, members);
  }
  for (const members of byQueue.values()) {
    for (let from = 0; from < members.length; from += MOST_AT_ONCE) {
      await addChunk(members.slice(from, from + MOST_AT_ONCE), added);
    }
  }
}

async function addChunk(members: readonly Member[], added: Member[]): Promise<void> {
  const place = members[0]?.node.queue.place;
  if (place === undefined) return;
  const jobs = members.map(({ job }) => job);
  const outcomes = await place.driver.enqueue(place.settings, jobs);
  members.forEach((member, at) => {
    if (outcomes[at]?.outcome === "added") added.push(member);
  });
  const full = members.find((_, at) => outcomes[at]?.outcome === "full");
  if (full !== undefined) throw noRoom(full.node);
}

/** @returns what became of the root. */
async function holdParents(family: Member, added: Member[]): Promise<Added> {
  let last: Enqueued = { outcome: "full" };
  for (const member of membersOf(family)) {
    if (member.children.length === 0 && member !== family) continue;
    last = await hold(member);
    if (last.outcome === "full") throw noRoom(member.node);
    if (last.outcome === "added") added.push(member);
    await tellIfDead(member);
  }
  if (last.outcome === "full") throw noRoom(family.node);
  return last;
}

async function hold({ node, job, children }: Member): Promise<Enqueued> {
  const { driver, settings } = node.queue.place;
  if (driver.flows === undefined) throw unsupported(node);
  const refs = children.map((child) => refOf(child.node, child.job.id, node));
  return driver.flows.hold(settings, job, refs, { childDead: node.childDead });
}

/**
 * A child may have died before its parent was there: then the parent was dead on arrival, and there
 * was nobody whom the reporter of the child could have found to go on from.
 */
async function tellIfDead({ node, job }: Member): Promise<void> {
  if (job.parent === undefined || node.childDead === "continue") return;
  const { place } = node.queue;
  try {
    const record = await place.driver.admin?.find(place.settings, job.id);
    if (record?.state !== "dead") return;
    await reportEnd(place, job, { kind: "dead", reason: record.reason ?? "child-dead" });
  } catch {
    // Found by `HeldParents`.
  }
}

/** As far as it goes: what has ended by now has ended, and who is not reached is waited for by nobody. */
async function cancelAll(added: readonly Member[]): Promise<void> {
  await Promise.allSettled(
    added.map(({ node, job }) => {
      const { driver, settings } = node.queue.place;
      return driver.admin?.cancel(settings, job.id);
    }),
  );
}

function noRoom({ queue }: FlowNode): QueueError {
  const { name, maxBacklog } = queue.place.settings;
  return new QueueError(
    "QUEUE_FULL",
    name,
    `queue "${name}": ${maxBacklog} jobs wait already: add workers, or raise maxBacklog`,
    { retryable: true },
  );
}

function unsupported({ queue }: FlowNode): QueueError {
  const { driver, settings } = queue.place;
  return new QueueError(
    "QUEUE_UNSUPPORTED",
    settings.name,
    `queue "${settings.name}": the ${driver.name} driver has no flows`,
  );
}
