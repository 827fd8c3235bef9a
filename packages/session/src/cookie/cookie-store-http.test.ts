/** What an Express application sees of sessions that are in their cookies. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createManualClock } from "@headroom/core/testing";
import express from "express";
import { expect, onTestFinished, test } from "vitest";
import { createSessions } from "../sessions.ts";
import { cookieStore } from "./cookie-store.ts";

async function start() {
  const clock = createManualClock();
  const secrets = ["s".repeat(32)];
  const sessions = createSessions<{ n: number }>({ store: cookieStore(), secrets, clock });
  const app = express().use(sessions.express());
  app.get("/set", (request, response) => {
    sessions.of(request).set("n", 5);
    response.redirect("/");
  });
  app.get("/", async (request, response) => {
    response.json((await sessions.of(request).get("n")) ?? null);
  });
  app.get("/static", (_, response) => void response.send("static"));
  app.get("/late", (request, response) => {
    response.write("a");
    sessions.of(request).set("n", 6);
    response.end("b");
  });
  app.get("/saved-late", async (request, response) => {
    response.write("a");
    sessions.of(request).set("n", 6);
    await sessions.of(request).save();
    response.end("b");
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  let cookie = "";
  const get = async (path: string) => {
    const url = `http://127.0.0.1:${port}${path}`;
    const answer = await fetch(url, { headers: { cookie }, redirect: "manual" });
    const [set] = answer.headers.getSetCookie();
    cookie = set?.split(";")[0] ?? cookie;
    return { body: await answer.text(), isSet: set !== undefined };
  };
  return { get, clock };
}

test("an answer that changes the session sets its cookie, and one that notes a use, and no other", async () => {
  const { get, clock } = await start();
  expect((await get("/")).isSet).toBe(false);
  expect((await get("/set")).isSet).toBe(true);
  expect(await get("/")).toEqual({ body: "5", isSet: false });
  await clock.advance(61_000);
  expect(await get("/static")).toEqual({ body: "static", isSet: false });
  expect(await get("/")).toEqual({ body: "5", isSet: true });
  expect(await get("/")).toEqual({ body: "5", isSet: false });
});

test.each(["/late", "/saved-late"])(
  "%s: a change that no cookie can take along any more breaks the answer off",
  async (path) => {
    const { get } = await start();
    await get("/set");
    await expect(get(path)).rejects.toThrow();
    expect((await get("/")).body).toBe("5");
  },
);
