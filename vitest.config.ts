import { defineConfig } from "vitest/config";

// Workspace packages resolve to their source: no build before a test.
const conditions = ["@headroom/source"];
const report = process.env["HEADROOM_REPORT"];

// Real servers, each file in a process of its own with its own servers; one file at a time, because
// they measure how long a fault is felt, and a balancer takes a stall of its own process for a fault.
const onServers = {
  fileParallelism: false,
  setupFiles: ["test/harness/src/watchdog-setup.ts"],
  testTimeout: 60_000,
  hookTimeout: 120_000,
  pool: "forks" as const,
};

// What takes no server from a place: its servers are Node processes, wherever PostgreSQL and Redis run.
const withoutPlace = [
  "test/integration/lb-*.test.ts",
  "test/harness/src/http-*.server.test.ts",
  "test/harness/src/embedded-postgres.server.test.ts",
];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    // As many files at a time as there are cores. Vitest leaves one core to itself unless told
    // otherwise, which on two would mean one file after the other.
    maxWorkers: "100%",
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
        // PostgreSQL and Redis from a place, local or Docker. `pnpm test:containers` runs this project,
        // and only this, a second time: whatever could depend on where servers run is in it.
        extends: true,
        test: {
          ...onServers,
          name: "integration",
          include: ["test/harness/src/**/*.server.test.ts", "test/integration/**/*.test.ts"],
          exclude: withoutPlace,
          globalSetup: ["test/harness/src/global-setup.ts"],
        },
      },
      {
        // Runs once: nothing here would be another test in Docker. "none" makes a file that takes
        // a server from a place after all fail, and say where it belongs.
        extends: true,
        test: {
          ...onServers,
          name: "processes",
          include: withoutPlace,
          env: { HEADROOM_SERVERS: "none" },
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
