import { expect, test } from "vitest";
import { memoryStore } from "./memory-store.ts";
import { SessionContext } from "./session-context.ts";
import { sessionRules } from "./session-rules.ts";

const options = { store: memoryStore(), secrets: ["s".repeat(32)] };

test("what was read last is kept for the policy that needs it, and only for that", () => {
  expect(new SessionContext(sessionRules(options)).lastKnown).toBeUndefined();
  const readonly = sessionRules({ ...options, onStoreError: "readonly" });
  expect(new SessionContext(readonly).lastKnown).toBeDefined();
});
