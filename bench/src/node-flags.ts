/**
 * What Node is started with: the packages' source instead of their build, and a `gc()` to call
 * between two turns.
 */
export const NODE_FLAGS: string[] = ["--conditions=@headroom/source", "--expose-gc"];
