/**
 * Where the other members of a family are.
 *
 * A job that has a parent, and a parent that has children, know each other by the name of a queue and
 * an id. On one server that is all there is to it: `albums` is `albums`, also when this process has no
 * definition of it. When a flow goes over two servers, a name alone could mean either; so there each
 * name has the server before it, `media/albums`, as the application has named its `createQueues`.
 */

import type { ParentRef, QueueDriver, QueueSettings } from "../driver.ts";

/** A queue on its server. */
export interface QueuePlace {
  readonly driver: QueueDriver;
  readonly settings: QueueSettings;
  readonly directory: QueueDirectory;
}

export interface DirectoryParts {
  /** The server's, for flows over several. */
  readonly name: string | undefined;
  readonly driver: QueueDriver;
  /** Those that are defined here. */
  readonly queues: ReadonlyMap<string, QueueSettings>;
  /** Of the other servers; asked when they are needed, because two may know each other. */
  readonly links: () => readonly QueueDirectory[];
}

export class QueueDirectory {
  readonly name: string | undefined;
  readonly driver: QueueDriver;
  readonly #parts: DirectoryParts;

  constructor(parts: DirectoryParts) {
    this.name = parts.name;
    this.driver = parts.driver;
    this.#parts = parts;
  }

  /** The queue of a reference that was found on this server; undefined: on a server not known here. */
  find(reference: string): QueuePlace | undefined {
    const [server, queue] = parse(reference);
    const directory = server === undefined || server === this.name ? this : this.#link(server);
    return directory?.place(queue);
  }

  /** A queue of this server. */
  place(queue: string): QueuePlace {
    const settings = this.#parts.queues.get(queue) ?? plainSettings(queue);
    return { driver: this.driver, settings, directory: this };
  }

  /**
   * How a queue of this server is named to one of `other`.
   * Two of one driver, or of one name, are of one server.
   * @throws TypeError when that is another server, and one of the two has no name.
   */
  reference(queue: string, other: QueueDirectory): string {
    const isNamed = this.name !== undefined && this.name === other.name;
    if (other.driver === this.driver || isNamed) return queue;
    for (const { name, driver } of [this, other]) {
      if (name !== undefined) continue;
      throw new TypeError(
        `a flow over two servers needs a name for each: give createQueues of the ${driver.name} driver one`,
      );
    }
    return `${this.name}/${queue}`;
  }

  /** How a queue of this server is named to the one that `reference` means. */
  answer(queue: string, reference: string): string {
    const [server] = parse(reference);
    return server === undefined ? queue : `${this.name}/${queue}`;
  }

  #link(server: string): QueueDirectory | undefined {
    return this.#parts.links().find(({ name }) => name === server);
  }
}

/** A member of a family by its full name. */
export function memberRef(place: QueuePlace, id: string, reference: string): ParentRef {
  return { queue: place.directory.answer(place.settings.name, reference), id };
}

function parse(reference: string): [server: string | undefined, queue: string] {
  const at = reference.indexOf("/");
  return at < 0 ? [undefined, reference] : [reference.slice(0, at), reference.slice(at + 1)];
}

/** Of a queue that is not defined here: nothing of what is asked of it needs more than its name. */
function plainSettings(name: string): QueueSettings {
  return {
    name,
    maxBacklog: undefined,
    limits: {
      concurrency: undefined,
      rate: undefined,
      perKeyConcurrency: 1,
      perKeyRate: undefined,
    },
    retention: { done: undefined, dead: { ms: 14 * 86_400_000, count: 10_000 } },
  };
}
