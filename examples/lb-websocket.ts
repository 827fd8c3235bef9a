// WebSockets over a load balancer: each goes to one of two chat servers, and stays there.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createLoadBalancer } from "@headroom/lb";
import express from "express";
import { WebSocket, WebSocketServer } from "ws";

const chats = await Promise.all([chatServer("a"), chatServer("b")]);
const targets = chats.map((chat) => `http://127.0.0.1:${(chat.address() as AddressInfo).port}`);
const lb = createLoadBalancer({ name: "chat", targets, policy: "least-in-flight" });

const proxy = lb.proxy();
const front = createServer(express().use(proxy));
front.on("upgrade", proxy.upgrade);
front.listen(0, "127.0.0.1");
await once(front, "listening");
const { port } = front.address() as AddressInfo;

const clients = await Promise.all([connect(), connect(), connect(), connect()]);
const answers: string[] = [];
for (const client of clients) {
  client.send("hello");
  const [message] = await once(client, "message");
  answers.push(String(message));
}
console.log(answers.sort().join(", "));
console.log(`${lb.stats().inFlight} connections under way`);

for (const client of clients) client.close();
await Promise.all(clients.map((client) => once(client, "close")));
await lb.close();
front.close();
for (const chat of chats) chat.close();

async function chatServer(name: string): Promise<WebSocketServer> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    socket.on("message", (message) => socket.send(`${name}: ${message}`));
  });
  await once(server, "listening");
  return server;
}

async function connect(): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/room`);
  await once(client, "open");
  return client;
}

// Prints:
// a: hello, a: hello, b: hello, b: hello
// 4 connections under way
