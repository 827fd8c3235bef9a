import { expect, test } from "vitest";
import { answering, balancing } from "../../test/web-servers.ts";

test("a request may name its key, its target, and hear who answers", async () => {
  const servers = await Promise.all(["a", "b"].map((id) => answering(id)));
  const lb = balancing(servers, { policy: "ring" });
  const heard: string[] = [];
  const ask = async (routing: { key?: string; prefer?: string }): Promise<string> => {
    const onAnswer = (target: string): number => heard.push(target);
    const request = { method: "GET", path: "/", routing: { ...routing, onAnswer } } as const;
    const { body } = await lb.request(request);
    return body.text();
  };
  const first = await ask({ key: "user:42" });
  expect(await ask({ key: "user:42" })).toBe(first);
  expect(await ask({ prefer: "b" })).toBe("b");
  expect(heard).toEqual([first, first, "b"]);
});
