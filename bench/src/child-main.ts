/**
 * The process of one variant of a `client` or `server` case.
 *
 * It does what the runner orders and ends when the runner does: a closed channel, however it came to
 * be closed, means "dispose and exit". Signals of the terminal are the runner's business.
 */
import { pathToFileURL } from "node:url";
import type { Area, AsyncOperation } from "./area.ts";
import type { Answer, Order } from "./child-protocol.ts";
import { drive } from "./load.ts";
import { systemStopwatch } from "./stopwatch.ts";
import { variantNamed } from "./variants.ts";

const resources = new AsyncDisposableStack();
let driven: { operation: AsyncOperation; concurrency: number } | undefined;

async function open(order: Extract<Order, { order: "open" }>): Promise<Answer> {
  const { default: area } = (await import(pathToFileURL(order.areaFile).href)) as { default: Area };
  const declared = area.cases.find(({ name }) => name === order.caseName);
  if (declared?.kind === "client") {
    const variant = variantNamed(declared.definition, order.variant);
    const operation = await variant(order.shared, resources);
    driven = { operation, concurrency: declared.definition.concurrency ?? 1 };
    return { answer: "opened", address: undefined };
  }
  if (declared?.kind === "server") {
    const variant = variantNamed(declared.definition, order.variant);
    return { answer: "opened", address: await variant(order.shared, resources) };
  }
  throw new Error(`${order.areaFile} declares no client or server case "${order.caseName}"`);
}

async function turn(operations: number): Promise<Answer> {
  if (!driven) throw new Error("a turn was ordered before a client was opened");
  const startUs = systemStopwatch.cpuUs();
  const measured = await drive(driven.operation, operations, driven.concurrency, systemStopwatch);
  return { answer: "turned", turn: { cpuUs: systemStopwatch.cpuUs() - startUs, ...measured } };
}

async function obey(order: Order): Promise<Answer> {
  try {
    if (order.order === "open") return await open(order);
    if (order.order === "turn") return await turn(order.operations);
    return { answer: "cpu", cpuUs: systemStopwatch.cpuUs() };
  } catch (error) {
    return { answer: "failed", error };
  }
}

process.on("message", (order: Order) => {
  void obey(order).then((answer) => process.connected && process.send?.(answer));
});
process.once("disconnect", () => {
  void resources.disposeAsync().finally(() => process.exit());
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
