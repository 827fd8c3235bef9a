/**
 * The queues of one process on one driver.
 *
 * Definitions are sorted by the physical queue they share, and what they say about it must agree.
 * Everything that cannot work is refused here, while the application starts.
 */

import { type Clock, systemClock } from "@headroom/core/clock";
import {
  requireBoolean,
  requireClock,
  requireFunction,
  requireKnownOptions,
  requireMethods,
  requireOneOf,
} from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import { ResultAwaiter } from "./await-result.ts";
import type { Capabilities } from "./capabilities.ts";
import { type Emulation, requireSupport, type SupportedBy } from "./capability-check.ts";
import { moveDeadLetters } from "./dead-letter-queue.ts";
import type { AnyDefinition, TypesOf } from "./definition.ts";
import type { QueueDriver, Settlement } from "./driver.ts";
import { EnqueueBatch } from "./enqueue-batch.ts";
import { QueueError } from "./errors.ts";
import { DIRECTORY, Families, type LinkedQueues } from "./flow/families.ts";
import type { QueueDirectory } from "./flow/queue-directory.ts";
import type { BatchHandler, Handler, JobMiddleware } from "./job.ts";
import { createJobIds } from "./job-id.ts";
import { type AddMiddleware, Producer } from "./producer.ts";
import { QueueClient, type QueueOf } from "./queue-client.ts";
import { type DefinitionRules, type PhysicalRules, physicalRules } from "./queue-options.ts";
import { ScheduledQueue } from "./schedule/scheduled-queue.ts";
import { Scheduler } from "./schedule/scheduler.ts";
import type { TraceContext } from "./trace-context.ts";
import type { HandlerEntry } from "./worker/job-runner.ts";
import type { LoopParts } from "./worker/queue-loop.ts";
import { QueueWorker, type StopOptions, type Worker } from "./worker/worker.ts";
import { type WorkerOptions, workerRules } from "./worker/worker-options.ts";

/** Options of {@link createQueues}. */
export interface QueuesOptions<
  Defs extends Record<string, AnyDefinition>,
  Caps extends Capabilities,
  Emulated extends Emulation,
> {
  readonly driver: QueueDriver<Caps>;
  readonly queues: Defs & SupportedBy<Defs, Caps, Emulated>;
  /** What the driver cannot do and is to be done for it. */
  readonly emulate?: readonly Emulated[] | undefined;
  /** Around every handler, the first outermost. */
  readonly middleware?: readonly JobMiddleware[] | undefined;
  /** Around every `add` and `addMany`, the first outermost. */
  readonly addMiddleware?: readonly AddMiddleware[] | undefined;
  /** The trace under way when a job is added; its headers travel with the job. */
  readonly traceContext?: TraceContext | undefined;
  /**
   * A name for this server, the same in all processes: only for flows that go over several servers.
   * Letters, digits, `.`, `_`, `-`.
   */
  readonly name?: string | undefined;
  /**
   * The queues of other servers in which jobs of this one have parents or children. They need a `name`,
   * and this server too. Asked when it is needed, so that two may know each other:
   * `const all: LinkedQueues[] = []`, `links: () => all` for both, then `all.push(queues, mailQueues)`.
   */
  readonly links?: (() => readonly LinkedQueues[]) | undefined;
  /**
   * Whether `close` also closes the driver. Never the client that the driver was given.
   * @default true
   */
  readonly closeDriver?: boolean | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
}

/** A handler for each definition that the worker is to work on. */
export type Handlers<Defs extends Record<string, AnyDefinition>> = {
  readonly [Name in keyof Defs]?:
    | Handler<TypesOf<Defs[Name]>["data"], TypesOf<Defs[Name]>["returned"]>
    | BatchHandler<TypesOf<Defs[Name]>["data"], TypesOf<Defs[Name]>["returned"]>;
};

interface QueuesMethods<Defs extends Record<string, AnyDefinition>>
  extends AsyncDisposable,
    LinkedQueues {
  /**
   * Starts to work on jobs.
   * @throws TypeError or RangeError when there is no handler, or an option is wrong.
   */
  worker(handlers: Handlers<Defs>, options?: WorkerOptions): Worker;
  /** Stops all workers, then closes the driver. */
  close(options?: StopOptions): Promise<void>;
}

/** One queue for each definition, by the name it has in `queues`. */
export type Queues<
  Defs extends Record<string, AnyDefinition>,
  Caps extends Capabilities,
> = QueuesMethods<Defs> & { readonly [Name in keyof Defs]: QueueOf<Defs[Name], Caps> };

/**
 * Opens queues on a driver.
 * @throws TypeError or RangeError when an option is wrong; QueueError `QUEUE_UNSUPPORTED` when a
 *   definition needs what the driver cannot do.
 */
export function createQueues<
  const Defs extends Record<string, AnyDefinition>,
  Caps extends Capabilities,
  const Emulated extends Emulation = never,
>(options: QueuesOptions<Defs, Caps, Emulated>): Queues<Defs, Caps> {
  const open = new OpenQueues(options);
  return Object.assign(open, open.clients) as unknown as Queues<Defs, Caps>;
}

const KNOWN = [
  "driver",
  "queues",
  "emulate",
  "middleware",
  "addMiddleware",
  "traceContext",
  "name",
  "links",
  "closeDriver",
  "clock",
  "random",
] as const;
const RESERVED: ReadonlySet<string> = new Set(["worker", "close", "flow", "clients", "then"]);
const EMULATIONS: readonly Emulation[] = ["deadLetters", "longDelay"];
const DRIVER_METHODS = [
  "enqueue",
  "claim",
  "settle",
  "extend",
  "sweep",
  "stats",
  "subscribe",
  "close",
] as const;

/** A physical queue with all its definitions, by their names. */
interface OpenQueue {
  readonly physical: PhysicalRules;
  readonly definitions: ReadonlyMap<string, DefinitionRules>;
  readonly batch: EnqueueBatch;
  readonly awaiter: ResultAwaiter;
}

class OpenQueues {
  readonly #clients: Readonly<Record<string, QueueClient>>;
  readonly #driver: QueueDriver;
  readonly #emulate: readonly Emulation[];
  readonly #middleware: readonly JobMiddleware[];
  readonly #closeDriver: boolean;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #definitions: ReadonlyMap<string, DefinitionRules>;
  readonly #physical = new Map<string, OpenQueue>();
  readonly #workers = new Set<QueueWorker>();
  readonly #families: Families;
  readonly #scheduler: Scheduler | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: QueuesOptions<Record<string, AnyDefinition>, Capabilities, Emulation>) {
    requireKnownOptions("createQueues", options, KNOWN);
    this.#driver = requireMethods<QueueDriver>("driver", options.driver, DRIVER_METHODS);
    this.#emulate = (options.emulate ?? []).map((name) =>
      requireOneOf("emulate", name, EMULATIONS),
    );
    this.#middleware = requireLayers("middleware", options.middleware);
    this.#closeDriver = requireBoolean("closeDriver", options.closeDriver ?? true);
    this.#clock = requireClock("clock", options.clock ?? systemClock);
    this.#random = requireFunction("random", options.random ?? systemRandom);
    this.#definitions = definitionsOf(options.queues);
    const all = [...this.#definitions.values()];
    for (const queue of new Set(all.map((rules) => rules.queue))) {
      this.#open(
        queue,
        all.filter((rules) => rules.queue === queue),
      );
    }
    this.#families = this.#openFamilies(options.name, options.links);
    const { schedules } = this.#driver;
    this.#scheduler =
      schedules &&
      new Scheduler({
        schedules,
        system: this.#driver.name,
        clock: this.#clock,
        random: this.#random,
      });
    this.#clients = this.#createClients(
      requireLayers("addMiddleware", options.addMiddleware),
      options.traceContext && requireFunction("traceContext", options.traceContext),
    );
  }

  /** No property of its own: those are the queues, and nothing else. */
  get clients(): Readonly<Record<string, QueueClient>> {
    return this.#clients;
  }

  get [DIRECTORY](): QueueDirectory {
    return this.#families.directory;
  }

  worker(
    handlers: Readonly<Record<string, Handler | BatchHandler | undefined>>,
    options: WorkerOptions = {},
  ): Worker {
    this.#requireOpen("worker");
    const rules = workerRules(options);
    if (typeof handlers !== "object") throw new TypeError("worker: handlers must be an object");
    const byQueue = new Map<string, Map<string, HandlerEntry>>();
    for (const [name, handler] of Object.entries(handlers)) {
      const definition = this.#definitions.get(name);
      if (definition === undefined) throw new TypeError(`worker: there is no queue "${name}"`);
      if (handler === undefined) continue;
      requireHandler(name, handler);
      const entries = byQueue.get(definition.queue) ?? new Map<string, HandlerEntry>();
      byQueue.set(definition.queue, entries.set(definition.name, { rules: definition, handler }));
    }
    if (byQueue.size === 0) throw new TypeError("worker: at least one handler must be given");
    const stops: (() => void)[] = [];
    const loops = [...byQueue].flatMap(([queue, entries]): LoopParts[] => {
      const physical = this.#physical.get(queue)?.physical;
      const duties = this.#families.duties(queue);
      if (duties !== undefined) stops.push(duties.stop);
      return physical === undefined
        ? []
        : [
            {
              driver: this.#driver,
              physical,
              handlers: entries,
              rules,
              middleware: this.#middleware,
              emulateLongDelay: this.#emulate.includes("longDelay"),
              beforeSettle: this.#beforeSettle(physical),
              tellFirst: duties?.tellFirst,
              swept: duties?.swept,
              clock: this.#clock,
              random: this.#random,
            },
          ];
    });
    const worker = new QueueWorker(loops, this.#clock, (stopped) => {
      for (const stop of stops) stop();
      this.#workers.delete(stopped);
    });
    this.#workers.add(worker);
    return worker;
  }

  async close(options?: StopOptions): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(options?: StopOptions): Promise<void> {
    await this.#scheduler?.close();
    await Promise.all([...this.#workers].map((worker) => worker.stop(options)));
    await Promise.all([...this.#physical.values()].map(({ awaiter }) => awaiter.close()));
    if (this.#closeDriver) await this.#driver.close();
  }

  #open(queue: string, definitions: readonly DefinitionRules[]): void {
    const driver = this.#driver;
    for (const rules of definitions) requireSupport(driver, rules, this.#emulate);
    const byName = new Map<string, DefinitionRules>();
    for (const rules of definitions) {
      if (byName.has(rules.name)) {
        throw new TypeError(`queue "${queue}" has two definitions of the name "${rules.name}"`);
      }
      byName.set(rules.name, rules);
    }
    const physical = physicalRules(queue, definitions);
    const { settings } = physical;
    this.#physical.set(queue, {
      physical,
      definitions: byName,
      batch: new EnqueueBatch((jobs) => driver.enqueue(settings, jobs)),
      awaiter: new ResultAwaiter({ driver, settings, clock: this.#clock }),
    });
  }

  #createClients(
    middleware: readonly AddMiddleware[],
    trace: TraceContext | undefined,
  ): Readonly<Record<string, QueueClient>> {
    const clock = this.#clock;
    const driver = this.#driver;
    const newId = createJobIds(clock);
    const clients: Record<string, QueueClient> = {};
    for (const [name, rules] of this.#definitions) {
      const open = this.#physical.get(rules.queue);
      if (open === undefined) continue;
      const { settings } = open.physical;
      const requireOpen = (): void => this.#requireOpen(rules.name);
      const producer = new Producer({
        driver,
        settings,
        rules,
        batch: open.batch,
        middleware,
        trace,
        emulateLongDelay: this.#emulate.includes("longDelay"),
        newId,
        clock,
        random: this.#random,
        requireOpen,
      });
      const { awaiter } = open;
      const family = this.#families.member(rules.name, rules.queue, producer, newId);
      const scheduled = this.#scheduler && new ScheduledQueue(this.#scheduler, settings, producer);
      clients[name] = new QueueClient({
        driver,
        settings,
        rules,
        producer,
        awaiter,
        family,
        scheduled,
        clock,
        requireOpen,
      });
    }
    return clients;
  }

  #openFamilies(
    name: string | undefined,
    links: () => readonly LinkedQueues[] = () => [],
  ): Families {
    return new Families({
      name,
      links: requireFunction("links", links),
      driver: this.#driver,
      queues: new Map([...this.#physical].map(([queue, open]) => [queue, open.physical.settings])),
      clock: this.#clock,
      random: this.#random,
    });
  }

  #beforeSettle({
    settings,
  }: PhysicalRules):
    | ((settlements: readonly Settlement[]) => Promise<void> | undefined)
    | undefined {
    if (this.#driver.capabilities.deadLetters || !this.#emulate.includes("deadLetters")) {
      return undefined;
    }
    return moveDeadLetters(this.#driver, settings);
  }

  #requireOpen(queue: string): void {
    if (this.#closing === undefined) return;
    throw new QueueError("QUEUE_CLOSED", queue, `queue "${queue}": the queues are closed`);
  }
}

/** By the name they have in `queues`. */
function definitionsOf(
  queues: Readonly<Record<string, AnyDefinition>>,
): ReadonlyMap<string, DefinitionRules> {
  const names = Object.keys(queues ?? {});
  if (typeof queues !== "object" || Array.isArray(queues) || names.length === 0) {
    throw new TypeError("queues must be an object of at least one definition: { photos }");
  }
  return new Map(
    Object.entries(queues).map(([name, definition]) => {
      if (RESERVED.has(name)) throw new TypeError(`queues: "${name}" is a name of our own`);
      if (definition?.rules === undefined) {
        throw new TypeError(`queues.${name} must be made by defineQueue`);
      }
      return [name, definition.rules];
    }),
  );
}

function requireLayers<Layer extends (...given: never[]) => unknown>(
  option: string,
  layers: readonly Layer[] | undefined,
): readonly Layer[] {
  if (layers === undefined) return [];
  if (!Array.isArray(layers)) throw new TypeError(`${option} must be a list of functions`);
  return layers.map((layer: Layer) => requireFunction(option, layer));
}

function requireHandler(name: string, handler: Handler | BatchHandler): void {
  if (typeof handler === "function" || typeof handler?.handle === "function") return;
  throw new TypeError(`worker: the handler of "${name}" must be a function or a batch`);
}
