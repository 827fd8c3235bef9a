/**
 * A name server for tests: real packets over UDP on the loopback interface, from a zone that the
 * test changes while it runs. It knows what the discoveries ask for (RFC 1035, 3596, 2782) and no
 * more: one question a packet, no zones above it, no truncation.
 */

import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";

type DnsRecord =
  | { readonly type: "A" | "AAAA" | "CNAME"; readonly data: string; readonly ttl: number }
  | {
      readonly type: "SRV";
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
      readonly ttl: number;
    };

/** Records, or how there are none. No records at all is NODATA: the name exists, the type does not. */
export type DnsReply = readonly DnsRecord[] | "NXDOMAIN" | "SERVFAIL" | "silence";

export type QuestionType = "A" | "AAAA" | "SRV";

/** Type codes: RFC 1035 §3.2.2, RFC 3596, RFC 2782. */
const TYPE_CODES = { A: 1, CNAME: 5, AAAA: 28, SRV: 33 } as const;
const RESPONSE_CODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 } as const;
const INTERNET = 1;

/** Where the question's name stands, as a compression pointer: right after the header. */
const NAME_OF_QUESTION = Buffer.from([0xc0, 12]);

export class DnsServer implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #zone = new Map<string, DnsReply>();
  /** What was asked, in order: `"A api.internal"`. */
  readonly questions: string[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (packet, from) => this.#answer(packet, from));
  }

  /** @param port a free one, or that of a server that was closed and is back. */
  static async start(port = 0): Promise<DnsServer> {
    const socket = createSocket("udp4").bind(port, "127.0.0.1");
    await once(socket, "listening");
    return new DnsServer(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** For `resolver.setServers`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** What a question is answered with from now on; until then it is NXDOMAIN. */
  set(type: QuestionType, name: string, reply: DnsReply): void {
    this.#zone.set(`${type} ${name}`, reply);
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #answer(packet: Buffer, from: RemoteInfo): void {
    const question = readQuestion(packet);
    const asked = `${question.type} ${question.name}`;
    this.questions.push(asked);
    const reply = this.#zone.get(asked) ?? "NXDOMAIN";
    if (reply === "silence") return;
    const records = typeof reply === "string" ? [] : reply;
    const code = typeof reply === "string" ? reply : "NOERROR";
    const header = Buffer.alloc(12);
    packet.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8580 | RESPONSE_CODES[code], 2); // a response, authoritative, recursive
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const answers = records.map((record) => writeRecord(record));
    this.#socket.send(Buffer.concat([header, question.bytes, ...answers]), from.port, from.address);
  }
}

function readQuestion(packet: Buffer): { type: string; name: string; bytes: Buffer } {
  const labels: string[] = [];
  let at = 12;
  for (let length = packet.readUInt8(at); length > 0; length = packet.readUInt8(at)) {
    labels.push(packet.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const code = packet.readUInt16BE(at + 1);
  const known = Object.entries(TYPE_CODES).find(([, each]) => each === code);
  return {
    type: known?.[0] ?? String(code),
    name: labels.join("."),
    bytes: packet.subarray(12, at + 5),
  };
}

function writeRecord(record: DnsRecord): Buffer {
  const data = writeData(record);
  const fields = Buffer.alloc(10);
  fields.writeUInt16BE(TYPE_CODES[record.type], 0);
  fields.writeUInt16BE(INTERNET, 2);
  fields.writeUInt32BE(record.ttl, 4);
  fields.writeUInt16BE(data.length, 8);
  // Records of a CNAME chain follow it: their owner is the name that it says. Tests need one link.
  return Buffer.concat([NAME_OF_QUESTION, fields, data]);
}

function writeData(record: DnsRecord): Buffer {
  switch (record.type) {
    case "A":
      return Buffer.from(record.data.split(".").map(Number));
    case "AAAA":
      return ipv6Bytes(record.data);
    case "CNAME":
      return nameBytes(record.data);
    case "SRV": {
      const fields = Buffer.alloc(6);
      fields.writeUInt16BE(record.priority, 0);
      fields.writeUInt16BE(record.weight, 2);
      fields.writeUInt16BE(record.port, 4);
      return Buffer.concat([fields, nameBytes(record.target)]);
    }
  }
}

function nameBytes(name: string): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  const parts = labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([...parts, Buffer.from([0])]);
}

/** `"2001:db8::1"` as 16 bytes; `::` stands for as many zeros as are missing. */
function ipv6Bytes(address: string): Buffer {
  const [head = "", tail = ""] = address.split("::");
  const words = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((word) => Number.parseInt(word, 16));
  const [before, after] = [words(head), words(tail)];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  const bytes = Buffer.alloc(16);
  for (const [i, word] of [...before, ...zeros, ...after].entries())
    bytes.writeUInt16BE(word, 2 * i);
  return bytes;
}
