import { createManualClock } from "@headroom/core/testing";
import { describe, test } from "vitest";
import { describeQueueDriver, type QueueDriverSetup } from "./driver-conformance.ts";
import { memoryDriver } from "./memory/memory-driver.ts";

function memory(): QueueDriverSetup {
  const clock = createManualClock();
  const { server } = memoryDriver({ clock });
  return {
    connect: () => memoryDriver({ shared: server }),
    advance: (ms) => clock.advance(ms),
  };
}

describeQueueDriver("memory", memory, { describe, test });
