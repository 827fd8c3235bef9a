import { expect, test } from "vitest";
import * as scripts from "./redis-scripts.ts";

// What they do is tested on a server: test/integration/session-store.test.ts.
test("no script makes a session but CREATE, and none names a key that is not in KEYS", () => {
  const writing = Object.entries(scripts).filter(([, { source }]) => /'HSET'/.test(source));
  for (const [name, { source }] of writing) {
    const first =
      name === "CREATE"
        ? /EXISTS', KEYS\[1\]\) == 1 then return 0/
        : /EXISTS', (KEYS\[1\]|key)\) == 0 then return 0/;
    expect(source, name).toMatch(first);
  }
  for (const { source } of Object.values(scripts)) {
    expect(source).not.toMatch(/redis\.call\('\w+', ['"]/);
  }
});
