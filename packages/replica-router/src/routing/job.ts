/** One statement on its way, with all that decides about it. */

import type { QueryObject, Submittable } from "../pg-module.ts";
import type { SessionScope } from "../session/session-scope.ts";
import type { RouteHint, Statement } from "../sql/statement.ts";
import type { Host } from "../topology/host.ts";
import type { RouteReason } from "./route-log.ts";

export interface JobParts {
  readonly query: string | QueryObject | Submittable;
  readonly values: unknown;
  readonly text: string;
  /** What the application says, by option or by view. */
  readonly route: RouteHint | undefined;
  /** Taken when the application called: a callback may run in somebody else's context. */
  readonly scope: SessionScope;
  readonly classify: (text: string) => Statement;
}

export class Job {
  readonly query: string | QueryObject | Submittable;
  readonly values: unknown;
  readonly text: string;
  readonly scope: SessionScope;
  readonly #route: RouteHint | undefined;
  readonly #classify: (text: string) => Statement;
  #statement: Statement | undefined;
  /** Where it is run, or was run last. */
  host: Host | undefined;

  constructor({ query, values, text, route, scope, classify }: JobParts) {
    this.query = query;
    this.values = values;
    this.text = text;
    this.scope = scope;
    this.#route = route;
    this.#classify = classify;
  }

  /** Looked at when it is needed first: by then it is known which functions the database has. */
  get statement(): Statement {
    this.#statement ??= this.#classify(this.text);
    return this.#statement;
  }

  get route(): RouteHint | undefined {
    return this.#route ?? this.statement.hint;
  }
}

/**
 * Whether it may run on a replica. Who hints at a replica promises that it only reads: that is
 * believed of what might be a write, not of what says it is one or leaves something behind.
 */
export function mayUseReplica({ statement, route }: Pick<Job, "statement" | "route">): boolean {
  switch (statement.kind) {
    case "read":
      return route !== "primary";
    case "write":
      return route === "replica" && statement.reason !== "write";
    case "begin":
      return route !== "primary" && statement.readOnly === true;
    case "session":
      return false;
  }
}

/** Why a statement that goes to the primary does. */
export function primaryReason({ statement, route }: Pick<Job, "statement" | "route">): RouteReason {
  switch (statement.kind) {
    case "read":
      return route === "primary" ? "hint" : "read";
    case "write":
      return statement.reason;
    case "begin":
      return "transaction";
    case "session":
      return "session";
  }
}
