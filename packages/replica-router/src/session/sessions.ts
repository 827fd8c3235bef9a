/** Which session a call belongs to. */

import { AsyncLocalStorage } from "node:async_hooks";
import { SessionScope } from "./session-scope.ts";
import type { Token } from "./token.ts";

export class Sessions {
  readonly #storage = new AsyncLocalStorage<SessionScope>();
  /**
   * Of all calls outside of `run`: together they are one session, so that who has configured nothing
   * reads what he wrote. It is not monotonic, or all would be held to one replica.
   */
  readonly #everybody = new SessionScope(undefined, false);

  get present(): SessionScope {
    return this.#storage.getStore() ?? this.#everybody;
  }

  run<Result>(token: Token | undefined, work: () => Result): Result {
    return this.#storage.run(new SessionScope(token, true), work);
  }
}
