import { request } from "node:http";
import { createManualClock } from "@headroom/core/testing";
import { describe, expect, test } from "vitest";
import { startApp } from "../../test/http-app.ts";
import { createCache } from "../cache.ts";
import { cacheResponse } from "./cache-response.ts";

const FRESH = "public, max-age=60";

test("a response that says how long it is fresh is made once; its age and the cache's part are told", async () => {
  const clock = createManualClock({ nowMs: Date.now() });
  let runs = 0;
  const { get } = await startApp(
    (app) =>
      app.get(
        "/p",
        (_, response) => void response.set("cache-control", FRESH).json({ run: ++runs }),
      ),
    { clock },
    createCache({ clock }),
  );
  const first = await get("/p");
  expect(first.headers["cache-status"]).toBe("headroom; fwd=uri-miss; stored");
  await clock.advance(5_000);
  const second = await get("/p");
  expect(second).toMatchObject({ status: 200, body: '{"run":1}' });
  expect(second.headers).toMatchObject({
    age: "5",
    "cache-status": "headroom; hit; ttl=55",
    "cache-control": FRESH,
    "content-type": first.headers["content-type"],
    etag: first.headers.etag,
    "content-length": "9",
  });
  await clock.advance(56_000);
  expect((await get("/p")).body).toBe('{"run":2}');
});

test("a hundred at once: one handler runs", async () => {
  let runs = 0;
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const { get } = await startApp((app) =>
    app.get("/p", async (_, response) => {
      runs++;
      await gate;
      response.set("cache-control", FRESH).send("slow");
    }),
  );
  const all = Array.from({ length: 100 }, () => get("/p"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  open();
  expect(new Set((await Promise.all(all)).map(({ body }) => body))).toEqual(new Set(["slow"]));
  expect(runs).toBe(1);
});

test("what may not be shared is made for each, and the second time nobody waits for another", async () => {
  let runs = 0;
  const { get } = await startApp((app) =>
    app.get("/me", (request, response) => {
      runs++;
      response.set("cache-control", "private, max-age=60").send(String(request.headers["x-user"]));
    }),
  );
  const all = await Promise.all(["a", "b", "c"].map((user) => get("/me", { "x-user": user })));
  expect(all.map(({ body }) => body)).toEqual(["a", "b", "c"]);
  expect((await get("/me", { "x-user": "d" })).body).toBe("d");
  expect(runs).toBe(4);
});

describe("is never shared", () => {
  test.each<[string, Record<string, string>, Record<string, string>]>([
    ["without a word about freshness", {}, {}],
    ["no-store", { "cache-control": "no-store, max-age=60" }, {}],
    ["no-cache", { "cache-control": "no-cache, max-age=60" }, {}],
    ["private", { "cache-control": "private, max-age=60" }, {}],
    ["private to a field", { "cache-control": 'private="x", max-age=60' }, {}],
    ["with a cookie set", { "cache-control": FRESH, "set-cookie": "sid=1" }, {}],
    ["with Vary: *", { "cache-control": FRESH, vary: "*" }, {}],
    ["with an age past its time", { "cache-control": FRESH, age: "61" }, {}],
    ["expired", { expires: "Thu, 01 Jan 1970 00:00:00 GMT" }, {}],
    ["for credentials", { "cache-control": "max-age=60" }, { authorization: "Basic eA==" }],
    ["last modified long ago", { "last-modified": "Thu, 01 Jan 1970 00:00:00 GMT" }, {}],
  ])("%s", async (_what, headers, sent) => {
    let runs = 0;
    const { get } = await startApp((app) =>
      app.get("/p", (_, response) => void response.set(headers).send(String(++runs))),
    );
    expect([(await get("/p", sent)).body, (await get("/p", sent)).body]).toEqual(["1", "2"]);
  });

  test("an error, unless it says so", async () => {
    let runs = 0;
    const { get } = await startApp((app) => {
      app.get("/500", (_, response) => void response.status(500).send(String(++runs)));
      app.get(
        "/404",
        (_, response) => void response.status(404).set("cache-control", FRESH).send(String(++runs)),
      );
      app.get("/throws", () => {
        throw new Error(`thrown ${++runs}`);
      });
    });
    expect([(await get("/500")).body, (await get("/500")).body]).toEqual(["1", "2"]);
    expect([(await get("/404")).body, (await get("/404")).body]).toEqual(["3", "3"]);
    expect([(await get("/throws")).body, (await get("/throws")).body]).toEqual([
      "thrown 4",
      "thrown 5",
    ]);
  });
});

test("credentials are shared where the response allows it", async () => {
  let runs = 0;
  const { get } = await startApp((app) =>
    app.get(
      "/p",
      (_, response) => void response.set("cache-control", "s-maxage=60").send(String(++runs)),
    ),
  );
  const headers = { authorization: "Basic eA==" };
  expect([(await get("/p", headers)).body, (await get("/p")).body]).toEqual(["1", "1"]);
});

test("defaultTtlMs is for responses that say nothing, and never for cookies and credentials", async () => {
  let runs = 0;
  const { get } = await startApp(
    (app) => app.get("/p", (_, response) => void response.send(String(++runs))),
    { defaultTtlMs: 60_000, passMs: 0 },
  );
  expect((await get("/p", { cookie: "sid=1" })).body).toBe("1");
  expect([(await get("/p")).body, (await get("/p")).body]).toEqual(["2", "2"]);
});

test("each variant has its own response", async () => {
  let runs = 0;
  const { get } = await startApp((app) =>
    app.get("/p", (request, response) => {
      runs++;
      response.set({ "cache-control": FRESH, vary: "Accept-Language, Accept-Encoding" });
      response.send(`${request.headers["accept-language"]}`);
    }),
  );
  const read = async (language: string, encoding = "gzip, br"): Promise<string> =>
    (await get("/p", { "accept-language": language, "accept-encoding": encoding })).body;
  for (let round = 0; round < 2; round++) {
    expect(await read("de")).toBe("de");
    expect(await read("en")).toBe("en");
    expect(await read("en", "br;q=0.9, gzip;q=1, deflate;q=0")).toBe("en");
  }
  expect((await get("/p")).body).toBe("undefined");
  expect(runs).toBe(3);
});

test("who has it already gets 304, with what a 304 repeats", async () => {
  const { get } = await startApp((app) =>
    app.get(
      "/p",
      (_, response) =>
        void response
          .set({
            "cache-control": FRESH,
            "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
            "x-extra": "1",
          })
          .send("body"),
    ),
  );
  // The leader answers whole whatever its condition says: others wait for the body.
  const first = await get("/p", { "if-none-match": "*" });
  expect(first.status).toBe(200);
  const etag = first.headers.etag ?? "";
  for (const known of [etag, `"x", ${etag}`, "*", etag.replace(/^W\//, "")]) {
    const got = await get("/p", { "if-none-match": known });
    expect(got).toMatchObject({ status: 304, body: "" });
    expect(got.headers).toMatchObject({ etag, "cache-control": FRESH });
    expect(got.headers["x-extra"]).toBeUndefined();
    expect(got.headers["content-length"]).toBeUndefined();
  }
  const date = { "if-modified-since": "Thu, 01 Jan 2026 00:00:00 GMT" };
  expect((await get("/p", date)).status).toBe(304);
  expect((await get("/p", { ...date, "if-none-match": '"other"' })).status).toBe(200);
});

test("HEAD is answered from a GET's response, and is never stored as one", async () => {
  let runs = 0;
  const { get } = await startApp((app) =>
    app.get("/p", (_, response) => void response.set("cache-control", FRESH).send(`run ${++runs}`)),
  );
  expect((await get("/p", {}, "HEAD")).body).toBe("");
  expect((await get("/p")).body).toBe("run 2");
  const head = await get("/p", {}, "HEAD");
  expect(head).toMatchObject({ status: 200, body: "" });
  expect(head.headers["content-length"]).toBe("5");
  expect(runs).toBe(2);
});

test("other methods, bodies and ranges go to the handler", async () => {
  let runs = 0;
  const { get } = await startApp((app) =>
    app.all("/p", (_, response) => void response.set("cache-control", FRESH).send(String(++runs))),
  );
  await get("/p");
  expect((await get("/p", {}, "POST")).body).toBe("2");
  expect((await get("/p", { "content-length": "0" })).body).toBe("1");
  expect((await get("/p", { range: "bytes=0-0" })).headers["cache-status"]).toBe(
    "headroom; fwd=bypass",
  );
});

test("a stale response is served while one request renews it", async () => {
  const clock = createManualClock({ nowMs: Date.now() });
  let runs = 0;
  let open = (): void => {};
  let gate: Promise<void> = Promise.resolve();
  const { get } = await startApp(
    (app) =>
      app.get("/p", async (_, response) => {
        const run = ++runs;
        await gate;
        response.set("cache-control", "max-age=10, stale-while-revalidate=30").send(String(run));
      }),
    { clock },
    createCache({ clock }),
  );
  await get("/p");
  await clock.advance(15_000);
  gate = new Promise((resolve) => {
    open = resolve;
  });
  const renewing = get("/p");
  while (runs < 2) await new Promise((resolve) => setImmediate(resolve));
  const stale = await get("/p");
  expect(stale.body).toBe("1");
  expect(stale.headers["cache-status"]).toBe("headroom; hit; ttl=-5");
  open();
  expect((await renewing).body).toBe("2");
  expect((await get("/p")).body).toBe("2");
});

test("when the handler fails, a stale response is served as long as stale-if-error says", async () => {
  const clock = createManualClock({ nowMs: Date.now() });
  let isBroken = false;
  const { get } = await startApp(
    (app) =>
      app.get("/p", (_, response) => {
        if (isBroken) throw new Error("database is down");
        response
          .set({ "cache-control": "max-age=10, stale-if-error=60", "x-good": "1" })
          .send("good");
      }),
    { clock },
    createCache({ clock }),
  );
  await get("/p");
  isBroken = true;
  await clock.advance(20_000);
  const stale = await get("/p");
  expect(stale).toMatchObject({ status: 200, body: "good" });
  expect(stale.headers).toMatchObject({
    "x-good": "1",
    age: "20",
    "cache-status": "headroom; hit; ttl=-10; fwd=stale",
  });
  await clock.advance(60_000);
  expect(await get("/p")).toMatchObject({ status: 500, body: "database is down" });
});

test("a response that becomes private takes the stored one away", async () => {
  const clock = createManualClock({ nowMs: Date.now() });
  let isPrivate = false;
  const { get } = await startApp(
    (app) =>
      app.get(
        "/p",
        (_, response) =>
          void response
            .set("cache-control", isPrivate ? "private" : "max-age=10, stale-while-revalidate=600")
            .send(isPrivate ? "mine" : "ours"),
      ),
    { clock },
    createCache({ clock }),
  );
  await get("/p");
  isPrivate = true;
  await clock.advance(15_000);
  expect((await get("/p")).body).toBe("mine");
  expect((await get("/p")).body).toBe("mine");
});

test("responses are invalidated by their tags, and all of them by name", async () => {
  let runs = 0;
  const { get, cache } = await startApp(
    (app) =>
      app.get(
        "/users/:id",
        (_, response) => void response.set("cache-control", FRESH).send(String(++runs)),
      ),
    { name: "pages", tags: (request) => [`path:${request.url}`] },
  );
  await get("/users/1");
  await get("/users/2");
  await cache.invalidateTags(["path:/users/1"]);
  expect([(await get("/users/1")).body, (await get("/users/2")).body]).toEqual(["3", "2"]);
  await cache.clear("pages");
  expect((await get("/users/2")).body).toBe("4");
});

test("a body past the limit passes, whole, and is not kept", async () => {
  let runs = 0;
  const { get } = await startApp(
    (app) =>
      app.get("/big", (_, response) => {
        runs++;
        response.set("cache-control", FRESH);
        for (let part = 0; part < 10; part++) response.write("x".repeat(1_000));
        response.end("end");
      }),
    { maxBodyBytes: 5_000 },
  );
  for (let round = 1; round <= 2; round++) {
    const { body } = await get("/big");
    expect(body).toHaveLength(10_003);
    expect(runs).toBe(round);
  }
});

test("a leader whose client leaves still makes the response for those who wait", async () => {
  let runs = 0;
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const { get, port } = await startApp((app) =>
    app.get("/p", async (_, response) => {
      runs++;
      await gate;
      response.set("cache-control", FRESH).send("made");
    }),
  );
  const leader = request({ host: "127.0.0.1", port, path: "/p", agent: false });
  leader.on("error", () => {});
  leader.end();
  while (runs === 0) await new Promise((resolve) => setImmediate(resolve));
  const waiting = get("/p");
  await new Promise((resolve) => setTimeout(resolve, 50));
  leader.destroy();
  await new Promise((resolve) => leader.once("close", resolve));
  await new Promise((resolve) => setTimeout(resolve, 50));
  open();
  expect((await waiting).body).toBe("made");
  expect(runs).toBe(1);
});

test("headers given to writeHead count as well", async () => {
  let runs = 0;
  const { get } = await startApp((app) => {
    app.get("/object", (_, response) => {
      response.writeHead(200, "Fine", { "Cache-Control": FRESH, "X-Run": ++runs }).end("a");
    });
    app.get("/list", (_, response) => {
      response.writeHead(200, ["Cache-Control", FRESH, "X-Run", String(++runs)] as never).end("b");
    });
  });
  for (const path of ["/object", "/list"]) {
    const [first, second] = [await get(path), await get(path)];
    expect(second.body).toBe(first.body);
    expect(second.headers["x-run"]).toBe(first.headers["x-run"]);
  }
  expect(runs).toBe(2);
});

test("a cache that is closed never fails a request", async () => {
  const cache = createCache();
  const { get } = await startApp(
    (app) => app.get("/p", (_, response) => void response.set("cache-control", FRESH).send("made")),
    {},
    cache,
  );
  await cache.close();
  expect(await get("/p")).toMatchObject({ status: 200, body: "made" });
});

test("two of one name in a cache are an error, and so is a wrong option", async () => {
  await using cache = createCache();
  cacheResponse(cache, { name: "a" });
  expect(() => cacheResponse(cache, { name: "a" })).toThrow(/this name is taken/);
  expect(() => cacheResponse(cache, { ttlMs: 5 } as object)).toThrow(/unknown option "ttlMs"/);
});
