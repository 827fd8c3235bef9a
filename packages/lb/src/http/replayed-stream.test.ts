import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AttemptBody, replayableBody } from "./replayable-body.ts";

const KB = 1024;

/** What an attempt sends. */
async function sent(body: AttemptBody): Promise<string> {
  if (body === null) return "";
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString("latin1");
  if (body instanceof Readable) return (await buffer(body)).toString("latin1");
  throw new TypeError("not a body of these tests");
}

/** The stream of an attempt. */
function streamOf(body: AttemptBody): Readable {
  if (body instanceof Readable) return body;
  throw new TypeError("the body is no stream");
}

/** Reads this much of an attempt's stream, as bytes come. */
async function readSome(stream: Readable, bytes: number): Promise<string> {
  let read = "";
  while (read.length < bytes) {
    const chunk: Buffer | null = stream.read();
    if (chunk === null) await once(stream, "readable");
    else read += chunk.toString("latin1");
  }
  return read;
}

/** `once` of `node:events` would reject on an error before it. */
function closed(stream: Readable): Promise<void> {
  return new Promise((resolve) => stream.once("close", resolve));
}

function failed(stream: Readable): Promise<unknown> {
  return new Promise((resolve) => stream.once("error", resolve));
}

describe("a stream", () => {
  test("nobody has read from is as good as new", async () => {
    const source = Readable.from([Buffer.from("hello")]);
    const body = replayableBody(source, { length: 5 });
    expect(body).toMatchObject({ length: 5, replayable: true, complete: false });
    expect(source.readableFlowing).toBeNull();
    streamOf(body.open()).destroy(); // nothing was asked for
    expect(source.destroyed).toBe(false);
    expect(await sent(body.open())).toBe("hello");
  });

  test("is sent while it comes", async () => {
    const source = new PassThrough();
    const body = replayableBody(source);
    const attempt = streamOf(body.open());
    source.write("a");
    expect(await readSome(attempt, 1)).toBe("a");
    source.write("b");
    expect(await readSome(attempt, 1)).toBe("b");
    source.end();
    expect(await text(attempt)).toBe("");
  });

  test("that was read to its end within the limit is then in memory", async () => {
    const body = replayableBody(Readable.from(["hel", "lo"], { objectMode: false }));
    expect(await sent(body.open())).toBe("hello");
    expect(body).toMatchObject({ replayable: true, complete: true });
    expect(body.open()).toEqual(Buffer.from("hello"));
    expect(body.open()).toBe(body.open());
  });

  test("an attempt after one that failed half way gets the rest too", async () => {
    const source = new PassThrough();
    const body = replayableBody(source);
    source.write("hel");
    const first = streamOf(body.open());
    expect(await readSome(first, 3)).toBe("hel");
    first.destroy();
    const second = body.open();
    source.end("lo");
    expect(await sent(second)).toBe("hello");
    expect(body.complete).toBe(true);
  });

  test("a new attempt ends the one before it, which had not noticed", async () => {
    const source = new PassThrough();
    const body = replayableBody(source);
    const first = streamOf(body.open());
    source.write("hel");
    expect(await readSome(first, 3)).toBe("hel");
    const second = body.open();
    expect(first.destroyed).toBe(true);
    source.end("lo");
    expect(await sent(second)).toBe("hello");
  });

  test("is single shot once more than the limit was read", async () => {
    const source = new PassThrough();
    const body = replayableBody(source, { maxBytes: 4 });
    const attempt = streamOf(body.open());
    source.write("1234");
    await readSome(attempt, 4);
    expect(body.replayable).toBe(true);
    source.write("5");
    await readSome(attempt, 1);
    expect(body).toMatchObject({ replayable: false, complete: false });
    expect(() => body.open()).toThrow(/cannot|not kept/);
    source.end("6");
    expect(await sent(attempt)).toBe("6"); // the attempt goes on
    expect(body).toMatchObject({ replayable: false, complete: false, error: undefined });
  });

  test("64 KiB are kept unless told otherwise", async () => {
    const atLimit = replayableBody(Readable.from([Buffer.alloc(64 * KB)]));
    await sent(atLimit.open());
    expect(atLimit.replayable).toBe(true);
    const above = replayableBody(Readable.from([Buffer.alloc(64 * KB), Buffer.alloc(1)]));
    await sent(above.open());
    expect(above.replayable).toBe(false);
  });

  test("that gives strings gives their bytes", async () => {
    const source = new PassThrough();
    source.setEncoding("utf8");
    const body = replayableBody(source);
    source.end("é");
    expect(await sent(body.open())).toBe("Ã©");
  });

  test("that has ended already is empty", async () => {
    const source = Readable.from([]);
    await buffer(source);
    expect(await sent(replayableBody(source).open())).toBe("");
  });
});

describe("backpressure", () => {
  test("an attempt that is not read stops the source", async () => {
    let made = 0;
    const source = new Readable({
      read() {
        made++;
        this.push(Buffer.alloc(KB));
      },
    });
    const body = replayableBody(source, { maxBytes: 8 * KB });
    const attempt = streamOf(body.open());
    attempt.read(0);
    await once(source, "pause");
    const bound = (source.readableHighWaterMark + attempt.readableHighWaterMark) / KB + 2;
    expect(made).toBeLessThanOrEqual(bound);
    await readSome(attempt, attempt.readableHighWaterMark * 2);
    expect(made).toBeLessThanOrEqual(bound + (attempt.readableHighWaterMark * 2) / KB + 2);
    body.release();
  });

  test("between two attempts nothing is read", async () => {
    const source = new PassThrough();
    const body = replayableBody(source);
    const first = streamOf(body.open());
    source.write("a");
    await readSome(first, 1);
    first.destroy();
    expect(source.isPaused()).toBe(true);
    source.write("b");
    const second = streamOf(body.open());
    expect(await readSome(second, 2)).toBe("ab");
    source.end();
    expect(await sent(second)).toBe("");
  });
});

test("a source that cannot be stopped between two attempts loses nothing", async () => {
  const source = new PassThrough();
  const body = replayableBody(source, { maxBytes: 4 });
  const first = streamOf(body.open());
  source.write("1234");
  await readSome(first, 4);
  first.destroy();
  source.emit("data", Buffer.from("56"));
  expect(body.replayable).toBe(true);
  const second = body.open();
  expect(body.replayable).toBe(false);
  source.end("78");
  expect(await sent(second)).toBe("12345678");
});

describe("a source that breaks off", () => {
  test("fails the attempt with its error, and is no reason for another", async () => {
    const source = new PassThrough();
    const body = replayableBody(source);
    const attempt = streamOf(body.open());
    source.write("a");
    await readSome(attempt, 1);
    const error = new Error("the client has left");
    source.destroy(error);
    expect(await failed(attempt)).toBe(error);
    expect(body).toMatchObject({ replayable: false, complete: false, error });
  });

  test("by closing without a word is told from one that ended", async () => {
    const source = new PassThrough();
    const body = replayableBody(source);
    const attempt = streamOf(body.open());
    attempt.read(0);
    source.destroy();
    const error = await failed(attempt);
    expect(error).toMatchObject({ message: "the body ended before its end" });
    expect(body.error).toBe(error);
  });

  test("before anybody read from it is known", async () => {
    const source = new PassThrough();
    const body = replayableBody(source);
    source.destroy(new Error("early"));
    await closed(source);
    expect(body.error).toMatchObject({ message: "early" });
    expect(body.replayable).toBe(false);
    expect(replayableBody(source).replayable).toBe(false);
  });

  test("after an attempt's undici has stopped listening crashes nobody", async () => {
    const source = new PassThrough();
    const body = replayableBody(source);
    const attempt = streamOf(body.open());
    source.destroy(new Error("late"));
    await closed(attempt);
    expect(attempt.errored).toMatchObject({ message: "late" });
  });

  test("after its end changes nothing", async () => {
    const source = new PassThrough({ autoDestroy: false });
    const body = replayableBody(source);
    source.end("hello");
    expect(await sent(body.open())).toBe("hello");
    source.destroy(new Error("too late"));
    await closed(source);
    expect(body).toMatchObject({ complete: true, error: undefined });
  });
});

describe("release", () => {
  test("destroys a source that was not read to its end, and the attempt", async () => {
    const source = new PassThrough();
    const body = replayableBody(source);
    const attempt = streamOf(body.open());
    const reason = new Error("over");
    body.release(reason);
    body.release(reason);
    expect(source.errored).toBe(reason);
    expect(attempt.destroyed).toBe(true);
    expect(body).toMatchObject({ replayable: false, complete: false, error: undefined });
    expect(() => body.open()).toThrow(Error);
  });

  test("runs what a generator does at its end", async () => {
    let finished = false;
    async function* chunks(): AsyncGenerator<string> {
      try {
        yield "a";
        yield "b";
      } finally {
        finished = true;
      }
    }
    const body = replayableBody(chunks());
    await readSome(streamOf(body.open()), 1);
    const source = body.release();
    expect(source).toBeUndefined();
    await new Promise((resolve) => setImmediate(resolve));
    expect(finished).toBe(true);
  });

  test("leaves a source alone that has ended", async () => {
    const source = new PassThrough({ autoDestroy: false });
    const body = replayableBody(source);
    source.end("hello");
    await sent(body.open());
    body.release(new Error("over"));
    expect(source.destroyed).toBe(false);
  });
});

test("however attempts follow each other, each one sends the body from its beginning", async () => {
  const contents = fc.array(fc.string({ minLength: 1, maxLength: 6 }), { maxLength: 6 });
  // How much each attempt reads before it fails; the last one reads all.
  const failures = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 4 });
  const limits = fc.integer({ min: 0, max: 40 });
  await fc.assert(
    fc.asyncProperty(contents, failures, limits, async (chunks, stops, maxBytes) => {
      const whole = Buffer.from(chunks.join("")).toString("latin1");
      const body = replayableBody(Readable.from(chunks, { objectMode: false }), { maxBytes });
      for (const stop of stops) {
        if (!body.replayable || body.complete) break;
        const attempt = streamOf(body.open());
        const read = await readSome(attempt, Math.min(stop, whole.length));
        expect(whole.startsWith(read)).toBe(true);
        attempt.destroy();
      }
      if (body.replayable) expect(await sent(body.open())).toBe(whole);
      // What is kept is bounded, so what is more cannot have been given twice.
      else expect(whole.length).toBeGreaterThan(maxBytes);
      body.release();
    }),
  );
});
