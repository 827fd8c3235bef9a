import { defineConfig } from "vitest/config";

// Workspace packages resolve to their source: no build before a test.
const conditions = ["@headroom/source"];
const report = process.env["HEADROOM_REPORT"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: [
            "packages/*/src/**/*.test.ts",
            "test/harness/src/**/*.test.ts",
            "bench/src/**/*.test.ts",
          ],
          exclude: ["**/*.server.test.ts"],
        },
      },
      {
        // Real servers, started by the harness: one file at a time on a small machine.
        extends: true,
        test: {
          name: "integration",
          include: ["test/harness/src/**/*.server.test.ts", "test/integration/**/*.test.ts"],
          globalSetup: ["test/harness/src/global-setup.ts"],
          setupFiles: ["test/harness/src/watchdog-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          pool: "forks",
        },
      },
      {
        // The packed packages, as a user gets them from npm.
        extends: true,
        test: {
          name: "consumer",
          include: ["test/consumer/*.test.ts"],
          globalSetup: ["test/consumer/global-setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      { extends: true, test: { name: "rules", include: ["test/rules/*.test.ts"] } },
    ],
  },
});
