/**
 * What a user of the packages may have, each as an exact version of an npm package.
 *
 * With the oldest Node go its types, which a consumer type-checks with.
 */

export const OLDEST_NODE = "node@20.20.2";

export const NODES: readonly string[] = [
  OLDEST_NODE,
  "node@22.23.3",
  "node@24.21.0",
  "node@26.10.0",
];

export const TYPESCRIPTS: readonly string[] = [
  "typescript@5.6.3",
  "typescript@5.9.3",
  "typescript@6.0.3",
  "typescript@7.0.2",
];

/** What a consumer's app has besides our packages. */
export const APP_DEPENDENCIES: readonly string[] = [
  "express@5.3.0",
  "@types/node@20.19.43",
  "@types/pg@8.23.1",
  "piscina@5.3.2",
];
