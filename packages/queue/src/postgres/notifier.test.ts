import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { Notifier, parseTold } from "./notifier.ts";

function notifying() {
  const clock = createManualClock();
  const sent: string[][] = [];
  const send = async (payloads: readonly string[]): Promise<void> => void sent.push([...payloads]);
  return { clock, sent, notifier: new Notifier({ send, origin: "me", everyMs: 20, clock }) };
}

test("the first goes at once, what follows together, and then it is quiet", async () => {
  const { clock, sent, notifier } = notifying();
  for (let n = 0; n < 100; n++) notifier.tell("ready", "photos");
  notifier.tell("ready", "mail");
  notifier.tell("ended", "mail", ["a"]);
  notifier.tell("ended", "mail", ["b", "a"]);
  expect(sent).toEqual([["ready photos me"]]);
  await clock.advance(20);
  expect(sent.slice(1)).toEqual([["ready photos me", "ready mail me", "ended mail me a b"]]);
  await clock.advance(20);
  expect(clock.pending).toBe(0);
  notifier.tell("ready", "photos");
  expect(sent).toHaveLength(3);
});

test("many ids are several payloads, each as short as PostgreSQL wants it", async () => {
  const { sent, notifier } = notifying();
  const ids = Array.from({ length: 100 }, (_, n) => `${n}-`.padEnd(200, "é"));
  notifier.tell("ended", "photos", ids);
  const [payloads = []] = sent;
  expect(payloads.length).toBeGreaterThan(1);
  for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
  expect(payloads.flatMap((payload) => parseTold(payload)?.ids ?? [])).toEqual(ids);
});

test("a failure is no error, and close sends what waits", async () => {
  const clock = createManualClock();
  const sent: unknown[] = [];
  const send = (payloads: readonly string[]): Promise<never> => {
    sent.push(payloads);
    return Promise.reject(new Error("away"));
  };
  const notifier = new Notifier({ send, origin: "me", everyMs: 20, clock });
  notifier.tell("ready", "photos");
  notifier.tell("cancelled", "photos", ["a"]);
  await notifier.close();
  expect(sent).toEqual([["ready photos me"], ["cancelled photos me a"]]);
  expect(clock.pending).toBe(0);
});

test("what is none of ours is not understood", () => {
  expect(parseTold("ready photos -")).toEqual({
    kind: "ready",
    queue: "photos",
    origin: "-",
    ids: [],
  });
  for (const payload of ["", "ready", "ready photos", "other photos me"]) {
    expect(parseTold(payload)).toBeUndefined();
  }
});
