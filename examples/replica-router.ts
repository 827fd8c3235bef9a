import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createReplicaPool } from "@headroom/replica-router";
import { readYourWrites } from "@headroom/replica-router/express";
import express from "express";
import pg from "pg";

const db = createReplicaPool({
  pg, // your own: what you get is an instance of its Pool
  primary: process.env["DATABASE_URL"] ?? "postgres://app:secret@10.0.0.1/app",
  replicas: [process.env["REPLICA_URL"] ?? "postgres://app:secret@10.0.0.2/app"],
});

const app = express();
const secret = process.env["TOKEN_SECRET"] ?? "32 characters or more, kept secret";
app.use(readYourWrites(db, { secret, secure: false })); // secure: false is for development without TLS

app.post("/notes/:text", async (request, response) => {
  await db.query("INSERT INTO notes (text) VALUES ($1)", [request.params.text]); // to the primary
  response.redirect(303, "/notes");
});
app.get("/notes/count", async (_request, response) => {
  const { rows } = await db.query("SELECT count(*)::int AS count FROM notes"); // to a replica that has it
  response.json(rows[0].count);
});

// A browser that writes and looks, again and again.
const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
await db.query("CREATE TABLE notes (id serial PRIMARY KEY, text text)");
let cookie = "";
let missed = 0;
for (let n = 1; n <= 50; n++) {
  await send("POST", `/notes/note-${n}`);
  if ((await send("GET", "/notes/count")) !== String(n)) missed++;
}
console.log(`50 notes written, ${missed} not seen by who wrote them`);

server.close();
server.closeAllConnections();
await db.end();

async function send(method: string, path: string): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}${path}`;
  const response = await fetch(url, { method, headers: { cookie }, redirect: "manual" });
  cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
  return response.text();
}
