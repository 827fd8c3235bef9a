/**
 * The program of one HTTP backend: a plain Node server in a process of its own, so that it can be
 * killed, stopped and started again like any other server. It obeys its parent over IPC and ends
 * with it. Nothing but Node and files beside it are imported: it runs without a build or a flag.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type {
  BackendCommand,
  BackendSettings,
  FromBackend,
  HttpBackendStats,
  ToBackend,
} from "./http-backend-protocol.ts";
import { HttpReply } from "./http-reply.ts";
import { HttpScriptPlayer } from "./http-script-player.ts";

/** How long requests that are under way may take to end after SIGTERM. */
const DRAIN_WITHIN_MS = 1000;

const { name, host, port, phase } = JSON.parse(process.argv[2] ?? "{}") as BackendSettings;
const sockets = new Set<Socket>();
let player = new HttpScriptPlayer([{}], phase);
let counts = freshCounts();
let isDraining = false;

function freshCounts() {
  return {
    requests: 0,
    inFlight: 0,
    abortedByClient: 0,
    accepted: 0,
    byStatus: new Map<number, number>(),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A reset starts new counts; what is under way then ends on the old ones.
  const own = counts;
  own.requests += 1;
  own.inFlight += 1;
  // In the log at once, so that what a process did can be counted after it was killed, too.
  const entry = request.headers["x-journal"];
  if (entry !== undefined) console.log(`journal: ${entry}`);
  request.resume();
  const end = await new HttpReply({
    request,
    response,
    behaviour: player.next(),
    backend: name,
  }).play();
  own.inFlight -= 1;
  if (end === "aborted") own.abortedByClient += 1;
  if (response.headersSent) {
    own.byStatus.set(response.statusCode, (own.byStatus.get(response.statusCode) ?? 0) + 1);
  }
  if (isDraining) server.closeIdleConnections();
}

// No connection ends by a timer of the server's: what ends one is in the test.
const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
server.on("request", (request, response) => void answer(request, response));
server.on("connection", (socket) => {
  counts.accepted += 1;
  sockets.add(socket);
  socket.once("close", () => sockets.delete(socket));
});

async function obey(command: BackendCommand): Promise<void> {
  switch (command.kind) {
    case "stats":
      return;
    case "behave":
      player = new HttpScriptPlayer(command.behaviours, phase);
      return;
    case "reset":
      player = new HttpScriptPlayer([{}], phase);
      await Promise.all([...sockets].map((socket) => once(socket.destroy(), "close")));
      counts = freshCounts();
      return;
    default:
      command satisfies never;
  }
}

function stats(): HttpBackendStats {
  return { ...counts, connections: sockets.size, byStatus: Object.fromEntries(counts.byStatus) };
}

function tell(message: FromBackend): void {
  process.send?.(message);
}

process.on("message", async (message: ToBackend) => {
  await obey(message);
  tell({ kind: "done", id: message.id, stats: stats() });
});

process.once("disconnect", () => process.exit());

process.once("SIGTERM", () => {
  isDraining = true;
  server.close(() => process.exit());
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), DRAIN_WITHIN_MS);
});

server.listen(port, host, () => tell({ kind: "listening" }));
console.log(`${name} is process ${process.pid} on ${host}:${port}`);
