import fc from "fast-check";
import { expect, test } from "vitest";
import { Slot, SlotList } from "./slot.ts";

const slot = (key: string): Slot<null> => new Slot(key, null, 1);

/** Empties it from the oldest on. */
function keysOf(list: SlotList<null>): string {
  let keys = "";
  for (let { oldest } = list; oldest !== undefined; oldest = list.oldest) {
    keys += oldest.key;
    oldest.leave();
  }
  return keys;
}

test("slots come in the order they were pushed", () => {
  const list = new SlotList<null>();
  expect(list.oldest).toBeUndefined();
  for (const key of "abc") list.push(slot(key));
  expect(list.oldest?.key).toBe("a");
  expect(keysOf(list)).toBe("abc");
});

test("a slot leaves from anywhere, and may leave twice", () => {
  const list = new SlotList<null>();
  const slots = [..."abcd"].map(slot);
  for (const each of slots) list.push(each);
  slots[1]?.leave();
  slots[1]?.leave();
  slots[3]?.leave();
  expect(keysOf(list)).toBe("ac");
});

test("a list that is taken is appended, and empty", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (first, second, third) => {
      const [list, other] = [new SlotList<null>(), new SlotList<null>()];
      for (const key of first) list.push(slot(key));
      for (const key of second) other.push(slot(key));
      list.take(other);
      expect(other.oldest).toBeUndefined();
      for (const key of third) other.push(slot(key));
      expect(keysOf(list)).toBe([...first, ...second].join(""));
      expect(keysOf(other)).toBe([...third].join(""));
    }),
  );
});

test("a cleared list is empty", () => {
  const list = new SlotList<null>();
  list.push(slot("a"));
  list.clear();
  list.push(slot("b"));
  expect(keysOf(list)).toBe("b");
});
