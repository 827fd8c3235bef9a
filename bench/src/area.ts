/**
 * What an area file writes: `export default area("lb", (bench) => { bench.micro(…) })`.
 *
 * A case sets *ours* beside one or more *peers* doing the same work, one of which is the *floor*:
 * the same work without any library, the best that could be reached. Five kinds, by what is measured:
 *
 * - `micro`: CPU time of one operation in this process. Time spent waiting is not counted.
 * - `client`: each variant in a process of its own that drives itself: CPU time, rate, latency.
 * - `server`: each variant serves in a process of its own; the load comes from the runner.
 * - `figure`: a number that the variant works out itself, such as bytes per node or a moved share.
 * - `figures`: several numbers of one look, such as the failed share and the tail of an open loop.
 *
 * Declaring must be cheap: a child process declares the whole area again to find its one variant.
 * What a variant opens it gives to `resources`, which is disposed at the end however the run ends.
 */

import type { Pace } from "./pace.ts";

type Awaitable<T> = T | Promise<T>;

/**
 * One operation. The result is kept; a promise is awaited.
 *
 * `index` counts from 0 in every turn, for picking an input. What must go on from turn to turn, such
 * as a time or a fresh key, the variant counts itself.
 */
export type Operation = (index: number) => unknown;
export type AsyncOperation = (index: number) => PromiseLike<unknown>;

/** Which way is good. A ratio is ours / theirs either way. */
export type Better = "lower" | "higher";

export type MicroVariant = (resources: AsyncDisposableStack) => Awaitable<Operation>;
/** What it gives to `resources` is disposed after every turn; `shared` is what `setup` has made. */
export type FigureVariant<Shared = undefined> = (
  resources: AsyncDisposableStack,
  pace: Pace,
  shared: Shared,
) => Awaitable<number>;
/** {@link FigureVariant}, with all numbers of one turn. */
export type FiguresVariant<Name extends string, Shared = undefined> = (
  resources: AsyncDisposableStack,
  pace: Pace,
  shared: Shared,
) => Awaitable<Readonly<Record<Name, number>>>;
export type ClientVariant<Shared> = (
  shared: Shared,
  resources: AsyncDisposableStack,
) => Awaitable<AsyncOperation>;
/** Starts serving; what it returns goes to `load` (structured clone), usually an address. */
export type ServerVariant<Shared, Address> = (
  shared: Shared,
  resources: AsyncDisposableStack,
) => Awaitable<Address>;

export interface Variants<Variant, Peer extends string> {
  readonly ours: Variant;
  readonly peers: Readonly<Record<Peer, Variant>>;
  /** Which of the peers is the physical floor. */
  readonly floor: NoInfer<Peer>;
}

export interface MicroCase<Peer extends string = string> extends Variants<MicroVariant, Peer> {}

export interface FigureCase<Peer extends string = string, Shared = undefined>
  extends Variants<FigureVariant<Shared>, Peer> {
  /** Runs once, before the first turn, such as starting a server. */
  readonly setup?: (resources: AsyncDisposableStack) => Awaitable<Shared>;
  readonly unit: string;
  readonly better: Better;
  /** @default 1, right for a figure that is exact; give more for one that is measured */
  readonly rounds?: number;
}

/** Every figure is a line of its own, `case/name`. */
export interface FiguresCase<
  Name extends string = string,
  Peer extends string = string,
  Shared = undefined,
> extends Variants<FiguresVariant<Name, Shared>, Peer> {
  /** Runs once, before the first turn, such as starting a server. */
  readonly setup?: (resources: AsyncDisposableStack) => Awaitable<Shared>;
  readonly figures: Readonly<Record<Name, { readonly unit: string; readonly better: Better }>>;
  /** @default 1 */
  readonly rounds?: number;
}

export interface ClientCase<Shared, Peer extends string = string>
  extends Variants<ClientVariant<Shared>, Peer> {
  /** Runs once, in the runner, such as starting a server. Its result is cloned into every child. */
  readonly setup?: (resources: AsyncDisposableStack) => Awaitable<Shared>;
  /** Operations in flight. @default 1 */
  readonly concurrency?: number;
}

export interface ServerCase<Shared, Address, Peer extends string = string>
  extends Variants<ServerVariant<Shared, Address>, Peer> {
  readonly setup?: (resources: AsyncDisposableStack) => Awaitable<Shared>;
  /** Runs in the runner, once for each variant: the operation that loads the server at `address`. */
  readonly load: (
    address: NoInfer<Address>,
    resources: AsyncDisposableStack,
  ) => Awaitable<AsyncOperation>;
  /** Operations in flight. @default 1 */
  readonly concurrency?: number;
}

export interface Bench {
  micro<Peer extends string>(name: string, definition: MicroCase<Peer>): void;
  figure<Peer extends string, Shared = undefined>(
    name: string,
    definition: FigureCase<Peer, Shared>,
  ): void;
  figures<Name extends string, Peer extends string, Shared = undefined>(
    name: string,
    definition: FiguresCase<Name, Peer, Shared>,
  ): void;
  client<Peer extends string, Shared = undefined>(
    name: string,
    definition: ClientCase<Shared, Peer>,
  ): void;
  server<Peer extends string, Address, Shared = undefined>(
    name: string,
    definition: ServerCase<Shared, Address, Peer>,
  ): void;
}

export type Case = { readonly name: string } & (
  | { readonly kind: "micro"; readonly definition: MicroCase }
  | { readonly kind: "figure"; readonly definition: FigureCase<string, unknown> }
  | { readonly kind: "figures"; readonly definition: FiguresCase<string, string, unknown> }
  | { readonly kind: "client"; readonly definition: ClientCase<unknown> }
  | { readonly kind: "server"; readonly definition: ServerCase<unknown, unknown> }
);

export interface Area {
  readonly name: string;
  readonly cases: readonly Case[];
}

/** The name of our own variant: in a failure, and in an order to a child process. */
export const OURS = "ours";

/** @throws TypeError when a case name is taken, a peer is called "ours" or the floor is no peer. */
export function area(name: string, declare: (bench: Bench) => void): Area {
  const cases = new Map<string, Case>();
  const add = (declared: Case): void => {
    const where = `case "${declared.name}" of area "${name}"`;
    const peers = Object.keys(declared.definition.peers);
    if (cases.has(declared.name)) throw new TypeError(`${where} is declared twice`);
    if (peers.includes(OURS)) throw new TypeError(`${where} has a peer called "${OURS}"`);
    if (!peers.includes(declared.definition.floor)) {
      throw new TypeError(
        `${where}: floor must be one of its peers, got "${declared.definition.floor}"`,
      );
    }
    cases.set(declared.name, declared);
  };
  declare({
    micro: (caseName, definition) => add({ kind: "micro", name: caseName, definition }),
    // What `setup` returns is what the variants take: checked above, forgotten here.
    figure: (caseName, definition) =>
      add({
        kind: "figure",
        name: caseName,
        definition: definition as FigureCase<string, unknown>,
      }),
    figures: (caseName, definition) =>
      add({
        kind: "figures",
        name: caseName,
        definition: definition as FiguresCase<string, string, unknown>,
      }),
    client: (caseName, definition) =>
      add({ kind: "client", name: caseName, definition: definition as ClientCase<unknown> }),
    server: (caseName, definition) =>
      add({
        kind: "server",
        name: caseName,
        definition: definition as ServerCase<unknown, unknown>,
      }),
  });
  return { name, cases: [...cases.values()] };
}
