import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Express, type Request } from "express";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Fields, fixture } from "../../test/session-fixture.ts";
import type { Session } from "../session.ts";
import type { SessionsOptions } from "../session-rules.ts";

/** As an application declares it once for all its routes. */
function sessionOf(request: Request): Session<Fields> {
  return request.session as unknown as Session<Fields>;
}

/** An Express app with sessions, and a browser of one cookie. */
async function start(routes: (app: Express) => void, options: Partial<SessionsOptions> = {}) {
  const parts = fixture();
  const sessions = parts.app({ store: parts.faulty, ...options });
  const app = express().disable("x-powered-by").disable("etag");
  app.use(sessions.express());
  routes(app);
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  let cookie: string | undefined;
  const get = async (path: string) => {
    const headers: Record<string, string> = cookie === undefined ? {} : { cookie };
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers, redirect: "manual" });
    const [set] = answer.headers.getSetCookie();
    if (set !== undefined) cookie = set.split(";")[0];
    return answer;
  };
  return { ...parts, sessions, get };
}

test("an answer whose session nobody touched passes as it is, and costs no call", async () => {
  const { get, faulty } = await start((app) => {
    app.get("/set", (request, response) => {
      sessionOf(request).set("n", 1);
      response.send("set");
    });
    app.get("/", (_, response) => void response.send("hello"));
  });
  await get("/set");
  faulty.calls.length = 0;
  const answer = await get("/");
  expect(await answer.text()).toBe("hello");
  expect([answer.headers.get("vary"), answer.headers.get("set-cookie")]).toEqual([null, null]);
  expect(faulty.calls).toEqual([]);
});

test("who reads makes the answer vary, who sets gets a cookie that no shared cache keeps", async () => {
  const { get, faulty } = await start((app) => {
    app.get("/set", (request, response) => {
      sessionOf(request).set("n", 1);
      response.redirect("/");
    });
    app.get(
      "/",
      async (request, response) => void response.json(await sessionOf(request).get("n")),
    );
  });
  const set = await get("/set");
  expect(set.status).toBe(302);
  expect(set.headers.get("vary")).toContain("Cookie");
  expect(set.headers.get("cache-control")).toBe('private, no-cache="Set-Cookie"');
  const read = await get("/");
  expect(await read.json()).toBe(1);
  expect(read.headers.get("vary")).toBe("Cookie");
  expect(read.headers.get("cache-control")).toBeNull();
  expect(faulty.calls).toEqual(["create", "load"]);
});

test("nothing of the answer leaves before the session is stored", async () => {
  const { get, faulty } = await start((app) => {
    app.get("/", (request, response) => {
      sessionOf(request).set("n", 1);
      response.send("done");
    });
  });
  let release = (): void => {};
  faulty.before = () => new Promise((resolve) => (release = resolve));
  let hasAnswered = false;
  const answer = get("/").then((given) => {
    hasAnswered = true;
    return given;
  });
  await vi.waitFor(() => expect(faulty.calls).toEqual(["create"]));
  expect(hasAnswered).toBe(false);
  release();
  expect(await (await answer).text()).toBe("done");
});

test("a store that fails is an error page, and no cookie", async () => {
  const { get, faulty } = await start((app) => {
    app.get("/", (request, response) => {
      sessionOf(request).set("n", 1);
      response.send("done");
    });
    app.use(((error, _request, response, _next) => {
      response.status(error.status).json(error.code);
    }) as express.ErrorRequestHandler);
  });
  faulty.fault = "fail";
  const answer = await get("/");
  expect([answer.status, await answer.json()]).toEqual([503, "SESSION_STORE_FAILED"]);
  expect(answer.headers.getSetCookie()).toEqual([]);
});

test("what is set while the body is streamed is stored before its end", async () => {
  const { get, sessions } = await start((app) => {
    app.get("/set", (request, response) => {
      sessionOf(request).set("n", 0);
      response.send("set");
    });
    app.get("/stream", async (request, response) => {
      response.write("a");
      sessionOf(request).set("n", 9);
      response.end("b");
    });
    app.get(
      "/",
      async (request, response) => void response.json(await sessionOf(request).get("n")),
    );
  });
  await get("/set");
  expect(await (await get("/stream")).text()).toBe("ab");
  expect(await (await get("/")).json()).toBe(9);
  await sessions.close();
});

test("a session that is begun too late is warned of", async () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const { get } = await start((app) => {
    app.get("/", (request, response) => {
      response.write("a");
      sessionOf(request).set("n", 9);
      response.end("b");
    });
  });
  expect((await get("/")).headers.getSetCookie()).toEqual([]);
  await vi.waitFor(() => expect(warned).toHaveBeenCalledTimes(1));
  expect(warned.mock.calls[0]?.[0]).toMatch(/its cookie is lost/);
  warned.mockRestore();
});

test.each(["lazy", "prefetch"] as const)(
  "%s: login, logout and what is kept of them",
  async (load) => {
    const { get } = await start(
      (app) => {
        app.get("/login", async (request, response) => {
          await sessionOf(request).login("ann");
          response.redirect("/me");
        });
        app.get("/me", async (request, response) => {
          response.json((await sessionOf(request).load()).userId ?? null);
        });
        app.get("/logout", async (request, response) => {
          await sessionOf(request).logout();
          response.redirect("/me");
        });
      },
      { load },
    );
    await get("/login");
    expect(await (await get("/me")).json()).toBe("ann");
    expect((await get("/logout")).headers.getSetCookie()[0]).toMatch(/Max-Age=0/);
    expect(await (await get("/me")).json()).toBeNull();
  },
);

test("eager: fields are properties, and who does not look at them has not used the session", async () => {
  const { get, faulty, sessions } = await start(
    (app) => {
      const plain = (request: Request) => request.session as unknown as Record<string, unknown>;
      app.get("/set", (request, response) => {
        plain(request)["cart"] = ["a"];
        response.send("set");
      });
      app.get("/push", (request, response) => {
        (plain(request)["cart"] as string[]).push("b");
        response.send("pushed");
      });
      app.get("/", (request, response) => void response.json(plain(request)["cart"]));
      app.get("/of", (request, response) => void response.json(sessions.of(request).names()));
      app.get("/static", (_, response) => void response.send("static"));
    },
    { load: "eager" },
  );
  await get("/set");
  await get("/push");
  expect(await (await get("/")).json()).toEqual(["a", "b"]);
  expect(await (await get("/of")).json()).toEqual(["cart"]);
  expect((await get("/static")).headers.get("vary")).toBeNull();
  expect(faulty.calls.filter((call) => call === "commit")).toHaveLength(1);
});

test("eager: a store that is out fails every request that has a session, none that has not", async () => {
  const { get, faulty } = await start(
    (app) => {
      app.get("/", (request, response) => {
        (request.session as unknown as Record<string, unknown>)["n"] = 1;
        response.send("ok");
      });
      app.get("/static", (_, response) => void response.send("static"));
    },
    { load: "eager" },
  );
  faulty.fault = "fail";
  expect((await get("/static")).status).toBe(200);
  faulty.fault = "none";
  await get("/");
  faulty.fault = "fail";
  expect((await get("/static")).status).toBe(503);
});
