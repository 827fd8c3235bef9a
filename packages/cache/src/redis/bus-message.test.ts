import fc from "fast-check";
import { expect, test } from "vitest";
import { keysMessage, parseBusMessage, tagsMessageHead } from "./bus-message.ts";

const texts = fc.array(fc.string({ unit: "grapheme" }), { minLength: 1 });

test("what was sent is what is received, whatever the keys and tags", () => {
  fc.assert(
    fc.property(fc.string(), texts, fc.nat(2 ** 52), (origin, list, sequence) => {
      expect(parseBusMessage(keysMessage(origin, list))).toEqual({
        origin,
        message: { kind: "keys", keys: list },
      });
      expect(parseBusMessage(`${tagsMessageHead(origin, list)}${sequence}}`)).toEqual({
        origin,
        message: { kind: "tags", tags: list, sequence },
      });
    }),
  );
});

test.each([
  "",
  "hello",
  "null",
  "7",
  "[]",
  "{}",
  '{"o":1,"k":["a"]}',
  '{"o":"a","k":"a"}',
  '{"o":"a","k":[1]}',
  '{"o":"a","t":["a"]}',
  '{"o":"a","t":["a"],"s":"1"}',
])("%s is none of ours", (text) => {
  expect(parseBusMessage(text)).toBeUndefined();
});
