/** Hostile requests, byte for byte, through the proxy as users mount it. */

import { describe, expect, test } from "vitest";
import { expressFront, nodeFront } from "./lb-proxy-fronts.ts";
import {
  CHUNKS,
  FRAMING,
  HEADERS,
  HOPS,
  MOUNTED,
  PIPELINING,
  TARGETS,
  TRUSTED,
  UNTRUSTED,
  UPGRADES,
  UPGRADES_IGNORED,
} from "./lb-proxy-requests.ts";
import {
  findings,
  generalFindings,
  observe,
  type RequestRow,
  type StartFront,
} from "./lb-proxy-verdict.ts";

const EVERYWHERE = [FRAMING, CHUNKS, PIPELINING, TARGETS, HEADERS, HOPS].flat();

function corpus(rows: readonly RequestRow[], front: StartFront): void {
  test.each(rows)("$name", async (row) => {
    expect(findings(row, await observe(row, front))).toEqual([]);
  });
}

describe("a server of node:http", () => corpus([...EVERYWHERE, ...UNTRUSTED], nodeFront()));

describe("an Express app", () => corpus([...EVERYWHERE, ...UPGRADES_IGNORED], expressFront()));

describe("mounted at a path", () => corpus(MOUNTED, expressFront({}, "/api")));

describe("behind a trusted peer", () => corpus(TRUSTED, nodeFront({ trustProxy: "loopback" })));

describe("a server that takes upgrades", () => corpus(UPGRADES, nodeFront()));
