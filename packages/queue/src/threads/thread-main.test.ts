import { expect, test } from "vitest";
import runTask from "./thread-main.ts";
import type { ThreadJob } from "./thread-message.ts";

const module = "data:text/javascript,export default ({ data }) => data * 2; export const none = 1;";
const job: ThreadJob = {
  id: "1",
  name: "photos",
  data: 21,
  attempt: 1,
  maxAttempts: 1,
  headers: {},
  priority: 0,
  key: undefined,
  addedAtMs: 0,
  waitedMs: 0,
  fence: "1:1:x",
};

test("it calls what the module exports, and answers with data in any case", async () => {
  expect(await runTask({ module, exportName: "default", job })).toEqual({
    kind: "done",
    result: 42,
  });
  expect(await runTask({ module, exportName: "none", job })).toMatchObject({
    kind: "failed",
    error: { name: "TypeError", message: 'the module of a thread exports no function "none"' },
  });
  expect(await runTask({ module: "file:///nowhere.js", exportName: "default", job })).toMatchObject(
    {
      kind: "failed",
    },
  );
});
