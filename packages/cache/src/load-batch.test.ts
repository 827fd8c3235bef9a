import { expect, test } from "vitest";
import { LoadBatch } from "./load-batch.ts";
import { Loading } from "./loading.ts";

function loading(controller = new AbortController()): Loading {
  return new Loading(controller.signal, undefined, false);
}

test("the batch is loaded when the last member has joined or left, in one call", async () => {
  const calls: string[][] = [];
  const batch = new LoadBatch<string>((ids) => {
    calls.push([...ids]);
    return new Map(ids.map((id) => [id, `v${id}`]));
  });
  const [a, b, c] = ["a", "b", "c"].map((id) => batch.member(id));
  const first = a?.load(loading());
  b?.leave();
  expect(calls).toEqual([]);
  const last = c?.load(loading());
  expect(await Promise.all([first, last])).toEqual(["va", "vc"]);
  expect(calls).toEqual([["a", "c"]]);
  expect(await b?.load(loading())).toBe("vb");
  expect(calls).toEqual([["a", "c"], ["b"]]);
});

test("what is missing is absent, an error is that member's own, a rejection everyone's", async () => {
  const some = new LoadBatch<string>(() => new Map([["a", new Error("a is bad")]]));
  const [a, b] = [some.member("a"), some.member("b")];
  const failed = expect(a.load(loading())).rejects.toThrow("a is bad");
  expect(await b.load(loading())).toBeUndefined();
  await failed;
  const none = new LoadBatch<string>(async () => Promise.reject(new Error("down")));
  const members = [none.member("a"), none.member("b")];
  const settled = await Promise.allSettled(members.map((member) => member.load(loading())));
  expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("an answer that is no map is an error, not a thousand absent values", async () => {
  const batch = new LoadBatch<string>((() => [1, 2]) as never);
  await expect(batch.member("a").load(loading())).rejects.toThrow(/loadMany must return a Map/);
});

test("its signal aborts when nobody waits for any of it any more", async () => {
  let signal: AbortSignal | undefined;
  const batch = new LoadBatch<string>((_ids, context) => {
    signal = context.signal;
    return new Promise(() => {});
  });
  const [a, b] = [new AbortController(), new AbortController()];
  const members = [batch.member("a"), batch.member("b")];
  void members[0]?.load(loading(a));
  void members[1]?.load(loading(b));
  await Promise.resolve();
  a.abort();
  expect(signal?.aborted).toBe(false);
  b.abort("gone");
  expect(signal?.reason).toBe("gone");
});
