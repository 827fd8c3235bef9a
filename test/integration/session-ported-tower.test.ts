/**
 * The cases of tower-sessions' `route_tests!` (tests/common/mod.rs), by their names, over HTTP. Not
 * here: `set_expiry` and `change_expiry_type`, as sessions of ours have no expiry of their own each.
 */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type CookieOptions, createSessions } from "@headroom/session";
import express from "express";
import { describe, expect, onTestFinished, test } from "vitest";
import { sessionStores } from "./session-stores.ts";

describe.each(sessionStores())("%s", (_, open) => {
  async function start(cookieOptions: CookieOptions = { sameSite: "strict", persistent: true }) {
    const sessions = createSessions<{ foo: number }>({
      store: await open(),
      secrets: ["s".repeat(32)],
      cookie: cookieOptions,
      absoluteMs: 3_600_000,
    });
    onTestFinished(() => sessions.close());
    const app = express().use(sessions.express());
    app.get("/", (__, response) => void response.send("Hello, world!"));
    app.get("/insert", (request, response) => {
      sessions.of(request).set("foo", 42);
      response.send("");
    });
    app.get("/get", async (request, response) => {
      response.send(String(await sessions.of(request).get("foo")));
    });
    app.get("/remove", (request, response) => {
      sessions.of(request).delete("foo");
      response.send("");
    });
    app.get("/cycle_id", async (request, response) => {
      await sessions.of(request).rotate();
      response.send("");
    });
    app.get("/flush", async (request, response) => {
      await sessions.of(request).logout();
      response.send("");
    });
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return async (path: string, cookie = "") => {
      const answer = await fetch(url + path, { headers: { cookie } });
      const [set = ""] = answer.headers.getSetCookie();
      return { status: answer.status, body: await answer.text(), set, cookie: set.split(";")[0] };
    };
  }

  test("no_session_set", async () => {
    expect((await (await start())("/")).set).toBe("");
  });

  test("bogus_session_cookie", async () => {
    const bogus = `__Host-sid=${"A".repeat(43)}.${"A".repeat(43)}`;
    const { status, cookie } = await (await start())("/insert", bogus);
    expect(status).toBe(200);
    expect(cookie).toMatch(/^__Host-sid=/);
    expect(cookie).not.toBe(bogus);
  });

  test("malformed_session_cookie: it is as if there were none", async () => {
    const answer = await (await start())("/", "__Host-sid=malformed");
    expect([answer.status, answer.set]).toEqual([200, ""]);
  });

  test("insert_session", async () => {
    const { set } = await (await start())("/insert");
    expect(set).toMatch(
      /^__Host-sid=[^;]+; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=3[56]\d\d$/,
    );
  });

  test("session_max_age", async () => {
    const { set } = await (await start({}))("/insert");
    expect(set).toMatch(/HttpOnly/);
    expect(set).not.toMatch(/Max-Age|Expires/);
  });

  test("get_session", async () => {
    const get = await start();
    const { cookie } = await get("/insert");
    expect((await get("/get", cookie)).body).toBe("42");
  });

  test("get_no_value", async () => {
    expect((await (await start())("/get")).body).toBe("undefined");
  });

  test("remove_last_value", async () => {
    const get = await start();
    const { cookie } = await get("/insert");
    await get("/remove", cookie);
    expect((await get("/get", cookie)).body).toBe("undefined");
  });

  test("cycle_session_id", async () => {
    const get = await start();
    const first = await get("/insert");
    const second = await get("/cycle_id", first.cookie);
    expect(second.cookie).not.toBe(first.cookie);
    expect((await get("/get", second.cookie)).body).toBe("42");
    expect((await get("/get", first.cookie)).body).toBe("undefined");
  });

  test("flush_session", async () => {
    const get = await start();
    const { cookie } = await get("/insert");
    const { set } = await get("/flush", cookie);
    expect(set).toMatch(/^__Host-sid=; Path=\/; .*Max-Age=0/);
    expect((await get("/get", cookie)).body).toBe("undefined");
  });

  test("flush_with_domain", async () => {
    const get = await start({ domain: "localhost" });
    const { cookie } = await get("/insert");
    const { set } = await get("/flush", cookie);
    expect(set).toMatch(/^__Secure-sid=; Path=\/; Domain=localhost; .*Max-Age=0/);
  });
});
