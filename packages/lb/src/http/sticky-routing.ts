/**
 * Sticky cookies in the proxy: which target a request asks for, and which cookie an answer sets.
 *
 * The tokens of all targets are computed when a request comes and the list of targets is another one
 * than at the last. So nobody must tell the proxy when targets come and go, and there is no listener
 * to forget.
 */

import { headerOf } from "./raw-headers.ts";
import type { StickyCookie } from "./sticky-cookie.ts";

export class StickyRouting {
  readonly #cookie: StickyCookie;
  #known: readonly string[] | undefined;

  constructor(cookie: StickyCookie) {
    this.#cookie = cookie;
  }

  /**
   * The id of the target that the request's cookie means; `undefined` when it means none.
   *
   * @param targetIds of all targets: the same array as long as none came or left.
   */
  targetOf(rawHeaders: readonly string[], targetIds: readonly string[]): string | undefined {
    if (this.#known !== targetIds) {
      this.#known = targetIds;
      this.#cookie.setTargets(targetIds);
    }
    const token = this.#tokenIn(rawHeaders);
    return token === undefined ? undefined : this.#cookie.idOf(token);
  }

  /** The `Set-Cookie` for an answer of `target`; `undefined` when the client has that cookie. */
  setCookie(rawHeaders: readonly string[], target: string): string | undefined {
    const token = this.#tokenIn(rawHeaders);
    if (token !== undefined && this.#cookie.isCurrent(token, target)) return undefined;
    return this.#cookie.setCookie(target);
  }

  #tokenIn(rawHeaders: readonly string[]): string | undefined {
    return this.#cookie.read(headerOf(rawHeaders, "cookie"));
  }
}
