import { expect, test } from "vitest";
import { memoryDriver } from "../memory/memory-driver.ts";
import { memberRef, QueueDirectory } from "./queue-directory.ts";

function directory(
  name: string | undefined,
  links: () => readonly QueueDirectory[] = () => [],
): QueueDirectory {
  return new QueueDirectory({ name, driver: memoryDriver(), queues: new Map(), links });
}

test("on one server a queue is its name, also when it is not defined here", () => {
  const here = directory(undefined);
  expect(here.reference("albums", here)).toBe("albums");
  const found = here.find("albums");
  expect(found).toMatchObject({ settings: { name: "albums" }, directory: here });
});

test("two processes of one server are one", () => {
  const driver = memoryDriver();
  const parts = { driver, name: undefined, queues: new Map(), links: () => [] };
  expect(new QueueDirectory(parts).reference("albums", new QueueDirectory(parts))).toBe("albums");
});

test("two drivers of one server are one by their name", () => {
  expect(directory("main").reference("albums", directory("main"))).toBe("albums");
});

test("over two servers each name has its server before it, and they find each other", () => {
  const media: QueueDirectory = directory("media", () => [mail]);
  const mail: QueueDirectory = directory("mail", () => [media]);
  const reference = media.reference("albums", mail);
  expect(reference).toBe("media/albums");
  expect(mail.find(reference)?.directory).toBe(media);
  expect(memberRef(mail.place("letters"), "1", reference)).toEqual({
    queue: "mail/letters",
    id: "1",
  });
  expect(mail.reference("letters", media)).toBe("mail/letters");
  expect(mail.find("mail/letters")?.directory).toBe(mail);
});

test("a server that is not known is not found; one without a name cannot be named", () => {
  const alone = directory("alone");
  expect(alone.find("media/albums")).toBeUndefined();
  expect(() => alone.reference("a", directory(undefined))).toThrow(/needs a name for each/);
});
