import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { Progress } from "./progress.ts";

function terminal(isTTY: boolean): { stream: NodeJS.WriteStream; written: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 20 });
  return {
    stream: stream as unknown as NodeJS.WriteStream,
    written: () => String(stream.read() ?? ""),
  };
}

test("a terminal shows one line, written over and cut to its width", () => {
  const { stream, written } = terminal(true);
  new Progress(stream).show("lb · pick · round 3/9 · ours");
  expect(written()).toBe("\r\u001b[2Klb · pick · round 3");
});

test("a file or a pipe gets nothing", () => {
  const { stream, written } = terminal(false);
  const progress = new Progress(stream);
  progress.show("lb · pick");
  progress.clear();
  expect(written()).toBe("");
});
