/**
 * One session over several requests, which may go to several servers.
 *
 * The request brings what its user has written and seen; the answer takes along what it is now. That
 * is found out when the handler has answered, once, and the answer is held until it is: a
 * browser that is redirected after a write brings the token with the next request.
 *
 * A request that wrote nothing and brought nothing costs nothing, and its answer stays cacheable.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import {
  requireBoolean,
  requireKnownOptions,
  requireMethods,
  requireText,
} from "@headroom/core/options";
import { holdResponse } from "@headroom/core/response-hold";
import { Signer } from "@headroom/core/signer";
import type { ReplicaSession } from "../pool/replica-pool.ts";
import { cookieTransport, headerTransport, type TokenTransport } from "./token-transport.ts";

/** For `app.use`. */
export type ReadYourWritesMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** What it needs of a replica pool. */
export interface SessionDatabase {
  readonly session: ReplicaSession;
  run<Result>(token: string | undefined, work: () => Result): Result;
}

export interface ReadYourWritesOptions {
  /** The cookie's name. @default "db-session", unless `header` is given */
  readonly cookie?: string | undefined;
  /** The name of a request and answer header instead: for clients that are no browsers. */
  readonly header?: string | undefined;
  /** At least 32 characters. Several to change them: the first signs, all verify. */
  readonly secret: string | readonly string[];
  /** Whether the cookie is only sent over TLS. @default true */
  readonly secure?: boolean | undefined;
}

/** @throws TypeError or RangeError naming the option that is wrong. */
export function readYourWrites(
  db: SessionDatabase,
  options: ReadYourWritesOptions,
): ReadYourWritesMiddleware {
  requireMethods<SessionDatabase>("db", db, ["run"]);
  requireKnownOptions("readYourWrites", options, ["cookie", "header", "secret", "secure"]);
  const { name, transport } = transportOf(options);
  const { secret } = options;
  const signer = new Signer(name, typeof secret === "string" ? [secret] : secret);
  return (request, response, next) => {
    const brought = verified(signer, transport.read(request));
    db.run(brought, () => {
      const { session } = db;
      const finish = async (): Promise<void> => {
        const token = await session.token();
        if (token === undefined || token === brought) return;
        transport.write(response, `${token}.${signer.sign(token)}`);
      };
      holdResponse(response, {
        beforeHead: () => (session.needsToken ? finish() : undefined),
        beforeEnd() {
          if (session.hasUnplacedWrites) warnOfLateWrite();
          return undefined;
        },
        failed: next,
      });
      next();
    });
  };
}

function transportOf({ cookie, header, secure = true }: ReadYourWritesOptions): {
  readonly name: string;
  readonly transport: TokenTransport;
} {
  if (cookie !== undefined && header !== undefined) {
    throw new TypeError("a token travels in a cookie or in a header: give one of the two");
  }
  if (header !== undefined) {
    const name = requireToken("header", header);
    return { name, transport: headerTransport(name) };
  }
  const name = requireToken("cookie", cookie ?? "db-session");
  return { name, transport: cookieTransport(name, requireBoolean("secure", secure)) };
}

/** RFC 9110, 5.6.2: what the name of a header or of a cookie may consist of. */
function requireToken(option: string, value: string): string {
  if (/^[!#$%&'*+.^_`|~\w-]+$/.test(requireText(option, value))) return value;
  throw new TypeError(`${option} must be a name of letters, digits and -_.`);
}

/** What was forged is as good as nothing. */
function verified(signer: Signer, value: string | undefined): string | undefined {
  const dot = value?.lastIndexOf(".") ?? -1;
  if (value === undefined || dot < 0) return undefined;
  const token = value.slice(0, dot);
  return signer.verify(token, value.slice(dot + 1)) && token;
}

function warnOfLateWrite(): void {
  const what =
    "the database was written to after the head of the answer was sent: the next request of this user may not see it";
  process.emitWarning(what, { code: "HEADROOM_REPLICA_LATE_WRITE" });
}
