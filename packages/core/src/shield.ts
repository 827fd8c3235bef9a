/**
 * Keeps the mistake of somebody who only looks on from becoming ours.
 *
 * A telemetry subscriber or a hook such as `onStateChange` is called in the middle of other work.
 * If what it throws went on, it would take the place of a result, or of the error that the caller
 * has to see. If it were dropped, nobody would ever find the typo. So it becomes a process warning:
 * once for each shield, because such a mistake repeats with every request.
 *
 * It does not keep a slow observer from holding up what it observes.
 */

import { requireFunction } from "./options.ts";
import { redactUrl } from "./redact-url.ts";

/** How a failure is told: `"<what> threw TypeError: …"`, under this code. */
interface ShieldWarning {
  readonly what: string;
  readonly code: `HEADROOM_${string}`;
}

/** `observer`, but what it throws or rejects with is a warning, and the result `instead()`. */
export function shield<Given extends readonly unknown[], Result>(
  observer: (...given: Given) => Result,
  instead: () => Result,
  warning: ShieldWarning,
): (...given: Given) => Result {
  let reported = false;
  const report = (error: unknown): void => {
    if (!reported) warn(warning, error);
    reported = true;
  };
  return (...given) => {
    try {
      const result = observer(...given);
      if (result instanceof Promise) result.catch(report);
      return result;
    } catch (error) {
      report(error);
      return instead();
    }
  };
}

type Hook = (given: never) => unknown;

/** One shield for each hook and option: `retry` gets the same hook anew with every call. */
const hooks = new WeakMap<Hook, Map<string, Hook>>();

/**
 * A hook of an options object behind its shield; its warnings have the code `HEADROOM_HOOK_FAILED`.
 * @param name of the option.
 * @throws TypeError when `hook` is no function.
 */
export function shieldHook<Given, Result>(
  name: string,
  hook: (given: Given) => Result,
  instead: () => Result,
): (given: Given) => Result {
  const byName = hooks.get(requireFunction(name, hook)) ?? new Map<string, Hook>();
  const shielded =
    byName.get(name) ?? shield(hook, instead, { what: name, code: "HEADROOM_HOOK_FAILED" });
  hooks.set(hook, byName.set(name, shielded));
  return shielded as (given: Given) => Result;
}

function warn({ what, code }: ShieldWarning, error: unknown): void {
  const known = error instanceof Error;
  const thrown = known ? `${error.name}: ${error.message}` : "what is no Error";
  process.emitWarning(redactUrl(`${what} threw ${thrown}`), {
    code,
    ...(known && { detail: redactUrl(error.stack ?? "") }),
  });
}
