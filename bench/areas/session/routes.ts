/** The one application of this area: what it does with its sessions, whatever keeps them. */

import type { Express, Request, Response } from "express";

/** How a handler uses the session of its request, in the way of the library at hand. */
export interface SessionUse {
  /** The value of a field, or a promise of it. */
  read(request: Request, field: string): unknown;
  /** Sets a field; a promise, if the handler itself has to wait until that is stored. */
  write(request: Request, field: string, value: unknown): unknown;
  /** The names of all fields that the application has set. */
  names(request: Request): Promise<string[]> | string[];
  /** As the library's documentation logs a user in. */
  login(request: Request, user: string): Promise<void>;
  logout(request: Request): Promise<void>;
  /** What is done before a redirect, besides. */
  save?(request: Request): Promise<void>;
}

/** Holds handlers that have read their session until it is opened. */
export interface Gate {
  pass(): Promise<void>;
}

/** A list of this many bytes of JSON, of small objects as a cart has them. */
export function items(bytes: number): { id: number; title: string; tags: string[] }[] {
  const item = (id: number) => ({
    id: 100_000 + id,
    title: "a thing to buy",
    tags: ["new", "red"],
  });
  const size = JSON.stringify(item(0)).length + 1;
  return Array.from({ length: Math.round(bytes / size) }, (_, id) => item(id));
}

/** What every session has: a quarter of a kilobyte. */
export const CART = items(250);
/** What a large one has besides, in eight fields. */
export const LARGE_FIELDS = 8;
export const LARGE = items(4_096);

/** @param gate before `/hold/…` writes what it has to write. */
export function addRoutes(app: Express, use: SessionUse, gate: Gate | undefined): void {
  app.get("/login/:user", async (request, response) => {
    await use.login(request, request.params.user);
    await use.write(request, "cart", CART);
    await use.write(request, "count", 0);
    response.send("in");
  });
  app.get("/fill", async (request, response) => {
    for (let at = 0; at < LARGE_FIELDS; at += 1) use.write(request, `large${at}`, LARGE);
    response.send("filled");
  });

  app.get("/unused", (_, response) => {
    response.send("unused");
  });
  app.get("/read", async (request, response) => {
    response.send(`count ${await use.read(request, "count")}`);
  });
  let written = 0;
  app.get("/write", async (request, response) => {
    const count = await use.read(request, "count");
    written += 1;
    await use.write(request, "count", Number(count) + written);
    response.send("written");
  });
  app.get("/set", async (request, response) => {
    written += 1;
    await use.write(request, "count", written);
    response.send("set");
  });

  const hold = async (request: Request<{ field: string }>, response: Response) => {
    await use.read(request, "user");
    await gate?.pass();
    await use.write(request, request.params.field, 1);
    response.send("held");
  };
  app.get("/hold/:field", (request, response) => hold(request, response));
  app.get("/names", async (request, response) => {
    response.send((await use.names(request)).join());
  });
  app.get("/user", async (request, response) => {
    response.send(String((await use.read(request, "user")) ?? "nobody"));
  });
  app.get("/logout", async (request, response) => {
    await use.logout(request);
    response.send("out");
  });
  /** A login by a field: the redirect is all that the handler says. */
  app.get("/redirect/:user", async (request, response) => {
    await use.write(request, "user", request.params.user);
    await use.save?.(request);
    response.redirect(303, "/user");
  });
}
