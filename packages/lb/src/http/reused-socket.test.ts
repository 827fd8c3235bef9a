import { once } from "node:events";
import { type AddressInfo, createServer, type Server, Socket } from "node:net";
import { buildConnector, Client } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import { failedOnReusedSocket, watchSocket } from "./reused-socket.ts";

/** Answers as many requests of a connection as it is told, then ends the connection. */
async function serverThat(answers: number, end: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    let left = answers;
    socket.on("error", () => {});
    socket.on("data", () => {
      if (left-- > 0) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      else end(socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const open: { server: Server; client: Client }[] = [];
afterEach(async () => {
  for (const { server, client } of open.splice(0)) {
    await client.destroy();
    server.close();
  }
});

function clientOf(server: Server): Client {
  const { port } = server.address() as AddressInfo;
  const connect = buildConnector({});
  const client = new Client(`http://127.0.0.1:${port}`, {
    connect(options, callback) {
      connect(options, (...result) => {
        const [, socket] = result;
        if (socket !== null) watchSocket(socket);
        callback(...result);
      });
    },
  });
  open.push({ server, client });
  return client;
}

/** How a request ends: its error, or undefined. */
function get(client: Client): Promise<Error | undefined> {
  return new Promise((resolve) => {
    client.dispatch(
      { path: "/", method: "GET" },
      {
        onRequestStart: () => {},
        onResponseStart: () => {},
        onResponseData: () => {},
        onResponseEnd: () => resolve(undefined),
        onResponseError: (_, error) => resolve(error),
      },
    );
  });
}

describe("undici's errors", () => {
  test.each([
    ["ends", (socket: Socket) => socket.end(), "UND_ERR_SOCKET"],
    ["is reset", (socket: Socket) => socket.resetAndDestroy(), "ECONNRESET"],
  ])("a new connection that %s was not in use before, a kept one was", async (_, end, code) => {
    const fresh = await get(clientOf(await serverThat(0, end)));
    expect(fresh).toMatchObject({ code });
    expect(failedOnReusedSocket(fresh)).toBe(false);

    const client = clientOf(await serverThat(1, end));
    expect(await get(client)).toBeUndefined();
    const kept = await get(client);
    expect(kept).toMatchObject({ code });
    expect(failedOnReusedSocket(kept)).toBe(true);
  });
});

describe("what is known about an error", () => {
  test("without a watched socket: what undici tells", () => {
    expect(failedOnReusedSocket({ socket: { bytesRead: 7 } })).toBe(true);
    expect(failedOnReusedSocket({ socket: { bytesRead: 0 } })).toBe(false);
    expect(failedOnReusedSocket({ socket: { bytesRead: "7" } })).toBe(false);
    expect(failedOnReusedSocket({ socket: {} })).toBe(false);
    expect(failedOnReusedSocket({ socket: undefined })).toBe(false);
  });

  test.each([undefined, null, "ECONNRESET", new Error("reset"), {}])("%s: nothing", (error) => {
    expect(failedOnReusedSocket(error)).toBe(false);
  });

  test.each([
    ["h2", false],
    ["http/1.1", true],
    [false, true],
  ])("a connection of protocol %s that was read from was in use: %s", (alpnProtocol, reused) => {
    const error = Object.assign(new Error("closed"), { socket: { bytesRead: 100 } });
    const socket = Object.assign(new Socket(), { alpnProtocol });
    Object.defineProperty(socket, "bytesRead", { value: 100 });
    watchSocket(socket);
    socket.emit("error", error);
    expect(failedOnReusedSocket(error)).toBe(reused);
  });
});
