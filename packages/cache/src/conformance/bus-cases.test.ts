// That a right bus passes, store-conformance.test.ts shows. Here: that a wrong one does not.
import { expect, test } from "vitest";
import { memorySetup } from "../../test/mistaken-store.ts";
import type { BusMessage } from "../bus.ts";
import { busCases } from "./bus-cases.ts";

/** What becomes of a message on its way; undefined: it is lost. */
type Way = (message: BusMessage) => BusMessage | undefined;

const mistakes: Record<string, Way> = {
  "loses a key": (message) =>
    message.kind === "keys" ? { kind: "keys", keys: message.keys.slice(1) } : message,
  "tells another number": (message) =>
    message.kind === "tags" ? { ...message, sequence: message.sequence + 1 } : message,
  "tells more than has changed": (message) =>
    message.kind === "keys" ? { kind: "keys", keys: [...message.keys, "another"] } : message,
};

test.each(Object.entries(mistakes))("a bus that %s is found", async (_, way) => {
  const { bus: right, ...setup } = memorySetup();
  const bus: typeof right = (context) => {
    const made = right(context);
    return {
      name: made.name,
      close: () => made.close(),
      start: (listener) =>
        made.start({
          gap: (partition) => listener.gap(partition),
          synced: (partition) => listener.synced(partition),
          message: (partition, message) => {
            const changed = way(message);
            if (changed !== undefined) listener.message(partition, changed);
          },
        }),
    };
  };
  const outcomes = await Promise.allSettled(busCases.map(({ run }) => run({ ...setup, bus })));
  expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
});
