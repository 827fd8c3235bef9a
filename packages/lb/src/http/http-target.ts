/**
 * One web server and the connections to it: an undici `Pool`.
 *
 * A pool is made with the first request and stays until its server has left the balancer; a server
 * that is ejected keeps it, so that its connections are warm when it returns.
 *
 * Where a connection goes is decided here and nowhere else. The origin of a request's URL has no say,
 * nor has its `Host` header: TLS is told the target's name (SNI), whatever the request says, so that a
 * certificate is checked against the configuration and not against what a client sent. Where discovery
 * found out the address, the socket goes to that address, while `Host` and SNI keep the name.
 *
 * One thing is mended: undici's pool takes a connection out of use for good when it refuses a request
 * for a malformed header. Ten bad requests to a pool of ten connections, and it never answers again.
 */

import { isIP, type LookupFunction } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { buildConnector, Client, type Dispatcher, type errors, Pool } from "undici";
import type { HttpEndpoint } from "./http-endpoint.ts";
import { watchSocket } from "./reused-socket.ts";

/** How to connect, the same for all targets of a balancer. Units and defaults: `load-balancer-options.ts`. */
export interface ConnectionRules {
  readonly connections: number | undefined;
  readonly pipelining: number;
  readonly allowH2: boolean;
  readonly tls: ConnectionOptions;
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly maxResponseBytes: number;
  readonly keepAliveTimeoutMs: number;
}

/** Who wants to know what the pools tell: the dispatcher that they are part of. */
export interface PoolListener {
  drained(origin: URL): void;
  connected(origin: URL, pools: readonly Dispatcher[]): void;
  disconnected(origin: URL, pools: readonly Dispatcher[], error: errors.UndiciError): void;
  connectFailed(origin: URL, pools: readonly Dispatcher[], error: errors.UndiciError): void;
}

/** What receives the events of a request, and knows when they are over. */
export interface AttemptHandler extends Dispatcher.DispatchHandler {
  readonly isOver: boolean;
}

export class HttpTarget {
  readonly endpoint: HttpEndpoint;
  readonly #rules: ConnectionRules;
  readonly #listener: PoolListener;
  readonly #open: Set<HttpTarget>;
  readonly #servername: string | undefined;
  #pool: Pool | undefined;

  /** @param open where it enters itself when it has connections; who closes it takes it out. */
  constructor(
    endpoint: HttpEndpoint,
    rules: ConnectionRules,
    listener: PoolListener,
    open: Set<HttpTarget>,
  ) {
    this.endpoint = endpoint;
    this.#rules = rules;
    this.#listener = listener;
    this.#open = open;
    this.#servername = endpoint.secure ? serverName(endpoint, rules) : undefined;
  }

  /** The connections; made when first asked for. */
  get pool(): Pool {
    this.#pool ??= this.#makePool();
    return this.#pool;
  }

  /** As `Dispatcher.dispatch`: `false` when its connections are busy, and `drained` will be told. */
  dispatch(options: Dispatcher.DispatchOptions, handler: AttemptHandler): boolean {
    return this.pool.dispatch(this.#named(options), handler);
  }

  /** A request of our own, past the balancer. */
  request(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    return this.pool.request(this.#named(options));
  }

  /** Resolves when its requests are over and its connections closed. */
  async close(): Promise<void> {
    const pool = this.#pool;
    if (pool !== undefined && !pool.closed && !pool.destroyed) await pool.close();
  }

  /** Ends its requests and connections with `error`. */
  async destroy(error: Error): Promise<void> {
    await this.#pool?.destroy(error);
  }

  #named<Options extends object>(options: Options): Options {
    const servername = this.#servername;
    return servername === undefined ? options : { ...options, servername };
  }

  #makePool(): Pool {
    this.#open.add(this);
    const { connections, pipelining, allowH2, ...rules } = this.#rules;
    const listener = this.#listener;
    const pool = new Pool(this.endpoint.origin, {
      connections: connections ?? null,
      pipelining,
      allowH2,
      headersTimeout: rules.headersTimeoutMs,
      bodyTimeout: rules.bodyTimeoutMs,
      // undici: -1 for no limit.
      maxResponseSize: Number.isFinite(rules.maxResponseBytes) ? rules.maxResponseBytes : -1,
      keepAliveTimeout: rules.keepAliveTimeoutMs,
      connect: connectorTo(this.endpoint, this.#rules),
      factory: (origin, options) => new Connection(origin, options),
    });
    return pool
      .on("drain", (origin) => listener.drained(origin))
      .on("connect", (origin, targets) => listener.connected(origin, targets))
      .on("disconnect", (origin, targets, error) => listener.disconnected(origin, targets, error))
      .on("connectionError", (origin, targets, error) =>
        listener.connectFailed(origin, targets, error),
      );
  }
}

/** One connection of a pool. */
class Connection extends Client {
  /**
   * `false` tells the pool that this connection is busy and will say when it is not. About a request
   * that it has refused it never says anything.
   */
  override dispatch(options: Dispatcher.DispatchOptions, handler: AttemptHandler): boolean {
    const isFree = super.dispatch(options, handler);
    return isFree || (handler.isOver && !this.closed && !this.destroyed);
  }
}

function connectorTo(
  { address }: HttpEndpoint,
  { tls, allowH2, connectTimeoutMs }: ConnectionRules,
): buildConnector.connector {
  const pinned = address === undefined ? undefined : { lookup: lookupOf(address) };
  const build = { ...tls, ...pinned, allowH2, timeout: connectTimeoutMs };
  // Node's options, which undici passes on; its type is the stricter one about `undefined`.
  const connect = buildConnector(build as buildConnector.BuildOptions);
  return ({ servername, ...options }, callback) => {
    // An address is no server name (RFC 6066); TLS checks the certificate against the address then.
    const name = servername !== undefined && isIP(servername) === 0 ? { servername } : {};
    connect({ ...options, ...name }, (...result) => {
      const [error, socket] = result;
      if (error === null) watchSocket(socket);
      callback(...result);
    });
  };
}

/** Finds the one address, whatever name is asked for. */
function lookupOf(address: string): LookupFunction {
  const family = isIP(address);
  return (_hostname, options, callback) => {
    if (options.all) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}

function serverName({ hostname }: HttpEndpoint, { tls }: ConnectionRules): string {
  return tls.servername ?? hostname;
}
