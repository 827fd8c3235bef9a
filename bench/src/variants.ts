import { OURS, type Variants } from "./area.ts";

/** All variants of a case by name, ours first: their order in every round. */
export function namedVariants<Variant>(
  definition: Variants<Variant, string>,
): readonly (readonly [name: string, variant: Variant])[] {
  return [[OURS, definition.ours], ...Object.entries(definition.peers)];
}

export function variantNamed<Variant>(
  definition: Variants<Variant, string>,
  name: string,
): Variant {
  const found = namedVariants(definition).find(([candidate]) => candidate === name);
  if (!found) throw new Error(`there is no variant "${name}"`);
  return found[1];
}
