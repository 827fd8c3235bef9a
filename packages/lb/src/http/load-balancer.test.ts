import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { Dispatcher, interceptors, fetch as undiciFetch, request as undiciRequest } from "undici";
import { expect, test, vi } from "vitest";
import { answering, balancing, idle, rejection, reply, webServer } from "../../test/web-servers.ts";
import { createLoadBalancer } from "./load-balancer.ts";
import type { RoutingDispatcher } from "./routing.ts";

test("it is an undici dispatcher", async () => {
  const lb = balancing([await answering("a")]);
  expect(lb).toBeInstanceOf(Dispatcher);
  const proxied: RoutingDispatcher = lb;
  expect(proxied.targetIds).toEqual(["a"]);
  expect(lb.name).toBe("default");
});

test("request: the answer, its trailers, and which target gave it", async () => {
  const a = await webServer("a", (_request, response) => {
    response.writeHead(200, { "x-server": "a", trailer: "x-sum" });
    response.write("hello");
    response.addTrailers({ "x-sum": "5" });
    response.end();
  });
  const lb = balancing([a]);
  const { statusCode, headers, body, trailers, context } = await lb.request({
    path: "/users/7?full=1",
    method: "GET",
    headers: { "x-one": "1" },
  });
  expect(await body.text()).toBe("hello");
  expect({ statusCode, server: headers["x-server"], trailers }).toEqual({
    statusCode: 200,
    server: "a",
    trailers: { "x-sum": "5" },
  });
  expect(context).toMatchObject({ target: "a", attempts: 1 });
  expect(a.seen).toMatchObject([
    {
      method: "GET",
      path: "/users/7?full=1",
      headers: { host: new URL(a.url).host, "x-one": "1" },
    },
  ]);
});

test("request with a callback", async () => {
  const lb = balancing([await answering("a", 201)]);
  const statusCode = await new Promise((resolve, reject) => {
    lb.request({ path: "/", method: "GET" }, (error, data) => {
      if (error) return reject(error);
      data.body.resume();
      resolve(data.statusCode);
    });
  });
  expect(statusCode).toBe(201);
});

test("the origin of a URL is ignored", async () => {
  const lb = balancing([await answering("a")]);
  const { body } = await undiciRequest("http://169.254.169.254/secrets", { dispatcher: lb });
  expect(await body.text()).toBe("a");
});

test("Node's own fetch, with a body each way", async () => {
  const a = await webServer("a", async (request, response) =>
    reply(response, 200, await text(request)),
  );
  const lb = balancing([a]);
  // Node's types know the dispatchers of the undici that is built in, which is another one.
  const init: object = { method: "POST", body: "ping", dispatcher: lb };
  const response = await fetch("http://anywhere.example/echo", init);
  expect(await response.text()).toBe("ping");
  expect(a.seen[0]).toMatchObject({ method: "POST", path: "/echo" });
});

test("undici's fetch follows a redirect to another target", async () => {
  const a = await webServer("a", (_request, response) => {
    reply(response, 302, "", { location: "/there" });
  });
  const b = await answering("b");
  const lb = balancing([a, b]);
  a.answer = (request, response) => {
    if (request.url === "/here") return reply(response, 302, "", { location: "/there" });
    reply(response, 200, "a");
  };
  const response = await undiciFetch("http://x/here", { dispatcher: lb });
  expect(await response.text()).toBe("a");
  expect(a.seen.map(({ path }) => path)).toEqual(["/here", "/there"]);
});

test("fetch by path", async () => {
  const a = await answering("a");
  const lb = balancing([a]);
  const response = await lb.fetch("/users/7", { headers: { accept: "text/plain" } });
  expect(await response.text()).toBe("a");
  expect(a.seen[0]).toMatchObject({ path: "/users/7", headers: { accept: "text/plain" } });
  expect(await rejection(lb.fetch("users/7"))).toBeInstanceOf(TypeError);
});

test("fetch of what would be another host is refused", async () => {
  const a = await answering("a");
  const lb = balancing([a]);
  await expect(lb.fetch("//evil.example/x")).rejects.toMatchObject({
    cause: { code: "LB_REFUSED_REQUEST" },
  });
  expect(a.seen).toEqual([]);
});

test("stream", async () => {
  const lb = balancing([await answering("a")]);
  const out = new PassThrough();
  const opaque = await lb.stream({ path: "/", method: "GET", opaque: 7 }, ({ statusCode }) => {
    expect(statusCode).toBe(200);
    return out;
  });
  expect(opaque.opaque).toBe(7);
  expect(await text(out)).toBe("a");
});

test("pipeline", async () => {
  const a = await webServer("a", (request, response) => request.pipe(response));
  const lb = balancing([a]);
  const echo = lb.pipeline({ path: "/", method: "PUT" }, ({ body }) => body);
  const got = text(echo);
  await pipeline(async function* () {
    yield Buffer.from("one ");
    yield Buffer.from("two");
  }, echo);
  expect(await got).toBe("one two");
});

test("upgrade: the request is in flight until the socket closes", async () => {
  const a = await webServer("a", () => {});
  a.server.on("upgrade", (_request, socket) => {
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n",
    );
    socket.pipe(socket);
  });
  const lb = balancing([a]);
  const { headers, socket } = await lb.upgrade({ path: "/", protocol: "echo" });
  expect(headers["upgrade"]).toBe("echo");
  expect(lb.stats().inFlight).toBe(1);
  socket.write("ping");
  expect(String(await once(socket, "data").then(([data]) => data))).toBe("ping");
  socket.destroy();
  await idle(lb);
  expect(lb.stats().targets[0]).toMatchObject({ requests: 1, failures: 0 });
});

test("connect", async () => {
  const a = await webServer("a", () => {});
  a.server.on("connect", (_request, socket) => {
    socket.write("HTTP/1.1 200 Connected\r\n\r\n");
    socket.pipe(socket);
  });
  const lb = balancing([a]);
  const { statusCode, socket } = await lb.connect({ origin: "http://x", path: "somewhere:25" });
  expect(statusCode).toBe(200);
  socket.end("hello");
  expect(await text(socket)).toBe("hello");
});

test("a WebSocket over it", async () => {
  const a = await webServer("a", () => {});
  a.server.on("upgrade", (request, socket) => {
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
    socket.write(Buffer.from([0x81, 2, 0x68, 0x69])); // the text "hi", unmasked
  });
  const lb = balancing([a]);
  const { WebSocket } = await import("undici");
  const socket = new WebSocket("ws://anywhere/chat", { dispatcher: lb });
  const [message] = await once(socket as never, "message");
  expect((message as { data: string }).data).toBe("hi");
  socket.close();
  a.sockets.forEach((each) => void each.destroy());
});

test("interceptors: redirect and dump, and what is left of the load balancer", async () => {
  const a = await webServer("a", (request, response) => {
    if (request.url === "/1") return reply(response, 307, "moved", { location: "/2" });
    reply(response, 200, "x".repeat(1000));
  });
  const lb = balancing([a]);
  const composed = lb.compose(interceptors.redirect({ maxRedirections: 3 }), interceptors.dump());
  const { statusCode, body } = await composed.request({
    origin: "http://x",
    path: "/1",
    method: "GET",
  });
  expect([statusCode, await body.text()]).toEqual([200, ""]);
  expect(a.seen.map(({ path }) => path)).toEqual(["/1", "/2"]);
  expect((composed as typeof lb).stats().inFlight).toBe(0);
  const response = await (composed as typeof lb).fetch("/3");
  expect(await response.text()).toBe("");
});

test("an interceptor that throws on the answer fails the request, not the target", async () => {
  const a = await webServer("a", (_request, response) => {
    reply(response, 200, "x".repeat(100), { "content-length": "100" });
  });
  const lb = balancing([a]);
  const composed = lb.compose(interceptors.dump({ maxSize: 10 }));
  const error = await rejection(composed.request({ origin: "http://x", path: "/", method: "GET" }));
  expect(error).toMatchObject({ code: "UND_ERR_ABORTED" });
  await idle(lb);
  expect(lb.stats().targets[0]).toMatchObject({ failures: 0 });
});

test("it says false when its connections are busy, and drain when they are not", async () => {
  const a = await webServer("a", () => {});
  const lb = balancing([a], { connections: 1 });
  const answers: Promise<unknown>[] = [];
  const send = (): boolean => {
    let isFree = true;
    const answer = new Promise<void>((resolve, reject) => {
      isFree = lb.dispatch(
        { path: "/", method: "GET" },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData() {},
          onResponseEnd: () => resolve(),
          onResponseError: (_controller, error) => reject(error),
        },
      );
    });
    answers.push(answer);
    return isFree;
  };
  expect(send()).toBe(false);
  const drained = once(lb, "drain");
  a.answer = (_request, response) => reply(response, 200);
  await drained;
  await Promise.all(answers);
});

test("events of connections are passed on", async () => {
  const a = await answering("a");
  const lb = balancing([a]);
  const connected = once(lb, "connect");
  await (await lb.request({ path: "/", method: "GET" })).body.dump();
  const [origin, targets] = await connected;
  expect([String(origin), targets[0]]).toEqual([`${a.url}/`, lb]);
});

test("what is no handler is refused, as undici does", () => {
  const lb = createLoadBalancer({ targets: [] });
  const options = { path: "/", method: "GET" };
  expect(() => lb.dispatch(options, null as never)).toThrow("handler must be an object");
  expect(() => lb.dispatch(options, {})).toThrow("handler must have");
});

test("an invalid request is the caller's mistake, told as undici tells it", async () => {
  const a = await answering("a");
  const lb = balancing([a]);
  const bad = { path: "/", method: "NO METHOD" };
  expect(await rejection(lb.request(bad))).toMatchObject({ code: "UND_ERR_INVALID_ARG" });
  const odd = { path: "/", method: "PUT", body: 7 as never };
  expect(await rejection(lb.request(odd))).toBeInstanceOf(TypeError);
  expect(await rejection(lb.request(undefined as never))).toBeInstanceOf(Error);
  await idle(lb);
  expect(lb.stats().targets[0]).toMatchObject({ failures: 0, status: "healthy" });
});

test("close and destroy with callbacks, and as async disposal", async () => {
  const a = await answering("a");
  const one = createLoadBalancer({ targets: [a.url] });
  await new Promise<void>((resolve) => one.close(resolve));
  expect(one.closed).toBe(true);
  const two = createLoadBalancer({ targets: [a.url] });
  await new Promise<void>((resolve) => two.destroy(resolve));
  await new Promise<void>((resolve) => two.destroy(null, resolve));
  expect(two.destroyed).toBe(true);
  {
    await using three = createLoadBalancer({ targets: [a.url] });
    await (await three.request({ path: "/", method: "GET" })).body.dump();
  }
  await vi.waitFor(() => expect(a.sockets.size).toBe(0));
});

test("it does not keep a process alive whose work is done", async () => {
  const a = await answering("a");
  const work = `
    import { createLoadBalancer } from ${JSON.stringify(new URL("./load-balancer.ts", import.meta.url).href)};
    const lb = createLoadBalancer({ targets: [${JSON.stringify(a.url)}], totalTimeoutMs: 60_000, hedge: true });
    const { body } = await lb.request({ path: "/", method: "GET" });
    console.log(await body.text());
  `;
  const args = ["--conditions=@headroom/source", "--input-type=module", "--eval", work];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
  expect(stdout).toBe("a\n");
});

test.each(["http://evil.test/", "//evil.test/", "/\\\\evil.test", "/a b", "a"])(
  "refuses the path %j before anything is sent",
  async (path) => {
    const a = await answering("a");
    const lb = balancing([a]);
    await expect(lb.request({ method: "GET", path })).rejects.toMatchObject({
      code: "LB_REFUSED_REQUEST",
    });
    expect(a.seen).toEqual([]);
  },
);
