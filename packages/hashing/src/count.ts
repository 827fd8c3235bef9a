/** @throws RangeError when `value` is not an integer of at least 1. */
export function requireCount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new RangeError(`${name} must be an integer of at least 1, got ${String(value)}`);
}
