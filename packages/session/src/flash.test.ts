import { expect, test } from "vitest";
import { addFlash, takeFlash } from "./flash.ts";

test("messages are kept by kind, in order, until they are taken", async () => {
  const fields = new Map<string, unknown>();
  const session = {
    get: async (name: string) => fields.get(name),
    update: async (name: string, change: (value: unknown) => unknown) => {
      const value = change(fields.get(name));
      if (value === undefined) fields.delete(name);
      else fields.set(name, value);
    },
  };
  await addFlash(session, "info", "a");
  await addFlash(session, "info", "b");
  await addFlash(session, "error", "c");
  expect(await takeFlash(session, "info")).toEqual(["a", "b"]);
  expect(await takeFlash(session, "info")).toEqual([]);
  expect([...fields.keys()]).toEqual(["flash:error"]);
});
