import type { FigureVariant } from "./area.ts";
import type { Contestant } from "./rounds.ts";

/** A variant that works out its number itself: no warm-up, no clock. */
export function openFigure(name: string, variant: FigureVariant): Contestant {
  return {
    name,
    turn: async () => {
      const value = await variant();
      if (Number.isFinite(value)) return [value];
      throw new TypeError(`a figure must be a finite number, got ${String(value)}`);
    },
  };
}
