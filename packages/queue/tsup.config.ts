import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/**/*.ts", "!src/**/*.test.ts"],
  format: "esm",
  target: "node20",
  sourcemap: true,
  clean: true,
  // The source is in the package: maps lead to it, and need not hold it a second time.
  esbuildOptions(options) {
    options.sourcesContent = false;
  },
});
