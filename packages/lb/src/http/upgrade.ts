/**
 * WebSocket, and any other protocol that begins as an HTTP request to change protocols.
 *
 * The request goes to a target as any other would; a balancer must decide before it sees the answer.
 * When the target agrees, both sockets are joined: what one sends the other gets, at the pace of the
 * slower, and whoever ends or breaks ends the other. When it answers with anything else, that answer
 * is the client's. Until the end the request is in flight at its target.
 *
 * Only named protocols pass: `Upgrade: h2c` would turn the connection into one in which requests are
 * sent past every check made here.
 */

import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Duplex, pipeline } from "node:stream";
import type { Dispatcher } from "undici";
import { ProxiedAnswer } from "./proxied-answer.ts";
import { forwardedHeaders, forwardedPath, refuseRequest, routingOf } from "./proxied-request.ts";
import type { ProxyRules } from "./proxy-options.ts";
import type { Refusal } from "./refusal.ts";
import type { RoutingDispatcher } from "./routing.ts";

/** A listener of `server.on("upgrade", …)`. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const PROTOCOLS: ReadonlySet<string> = new Set(["websocket"]);

const UNKNOWN_PROTOCOL: Refusal = {
  reason: "target-form",
  statusCode: 400,
  message: "the connection may be upgraded to a WebSocket only, by GET",
};

export function createUpgrade(dispatcher: RoutingDispatcher, rules: ProxyRules): UpgradeListener {
  return (request, socket, head) => {
    const answer = new UpgradeAnswer(request, socket, head, rules);
    const protocol = request.headers.upgrade?.toLowerCase() ?? "";
    const isKnown = PROTOCOLS.has(protocol) && request.method === "GET";
    const refusal = refuseRequest(request, rules) ?? (isKnown ? undefined : UNKNOWN_PROTOCOL);
    if (refusal !== undefined) return answer.turnAway(refusal);
    dispatcher.dispatch(
      {
        method: "GET",
        path: forwardedPath(request, rules),
        headers: forwardedHeaders(request, rules),
        upgrade: protocol,
        routing: routingOf(request, rules, dispatcher.targetIds),
      },
      answer,
    );
  };
}

class UpgradeAnswer extends ProxiedAnswer implements Dispatcher.DispatchHandler {
  readonly #client: Duplex;
  readonly #head: Buffer;

  constructor(request: IncomingMessage, client: Duplex, head: Buffer, rules: ProxyRules) {
    const response = new ServerResponse(request);
    // As if the server had made it: for refusals, and for targets that answer with something else.
    response.assignSocket(client as Socket);
    response.shouldKeepAlive = false;
    response.on("finish", () => client.end());
    super(request, response, rules);
    this.#client = client;
    this.#head = head;
    // Until both are joined nobody else would hear of it, and an error that nobody hears throws.
    client.on("error", ignore);
  }

  turnAway(refusal: Refusal): void {
    this.refuse(refusal);
  }

  onUpgrade(_: number, rawHeaders: Buffer[] | string[] | null, target: Duplex): void {
    const client = this.#client;
    if (this.isOver || client.destroyed) {
      target.destroy();
      return;
    }
    const raw = (rawHeaders ?? []).map((each) => Buffer.from(each));
    const headers = this.takeHeaders(101, raw);
    if (headers === undefined) {
      target.destroy();
      return;
    }
    this.handOver();
    this.response.detachSocket(client as Socket);
    client.write(switchingProtocols(headers, this.request.headers.upgrade ?? "websocket"));
    if (this.#head.length > 0) target.write(this.#head);
    pipeline(client, target, client, ignore);
  }
}

function switchingProtocols(headers: readonly string[], protocol: string): string {
  let head = "HTTP/1.1 101 Switching Protocols\r\n";
  head += `connection: Upgrade\r\nupgrade: ${protocol}\r\n`;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    head += `${headers[at]}: ${headers[at + 1]}\r\n`;
  }
  return `${head}\r\n`;
}

function ignore(): void {}
