import type { FiguresVariant, FigureVariant } from "./area.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Pace } from "./pace.ts";
import type { Contestant } from "./rounds.ts";

interface Turns {
  readonly lifetime: Lifetime;
  readonly pace: Pace;
}

/** A variant that works out its number itself: no warm-up, no clock. */
export function openFigure<Shared>(
  name: string,
  variant: FigureVariant<Shared>,
  shared: Shared,
  turns: Turns,
): Contestant {
  const only: FiguresVariant<"only", Shared> = async (...given) => ({
    only: await variant(...given),
  });
  return openFigures(name, only, ["only"], shared, turns);
}

/** A variant that works out all numbers of `figures` in one turn. */
export function openFigures<Shared>(
  name: string,
  variant: FiguresVariant<string, Shared>,
  figures: readonly string[],
  shared: Shared,
  { lifetime, pace }: Turns,
): Contestant {
  return {
    name,
    turn: () =>
      lifetime.within(async (resources) => {
        const values = await variant(resources, pace, shared);
        return figures.map((figure) => requireFinite(values[figure]));
      }),
  };
}

function requireFinite(value: number | undefined): number {
  if (value !== undefined && Number.isFinite(value)) return value;
  throw new TypeError(`a figure must be a finite number, got ${String(value)}`);
}
