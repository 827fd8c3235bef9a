/**
 * Asks `check` until it gives something other than `undefined` or false, for servers that tell
 * nobody when they are ready.
 *
 * @throws Error naming `what`, with the last failure of `check` as its cause, after `withinMs`.
 */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  { withinMs = 30_000, everyMs = 15 }: { withinMs?: number; everyMs?: number } = {},
): Promise<T> {
  const startedMs = performance.now();
  let cause: unknown;
  while (performance.now() - startedMs < withinMs) {
    try {
      const result = await check();
      if (result !== undefined && result !== false) return result;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`Waited ${withinMs} ms in vain: ${what}`, { cause });
}
