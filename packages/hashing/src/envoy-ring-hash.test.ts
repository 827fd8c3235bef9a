/**
 * Envoy's ring has 64-bit points, XXH64 of `host_0`, `host_1`, …, as listed in its
 * test/extensions/load_balancing_policies/ring_hash/ring_hash_lb_test.cc (Basic,
 * BasicWithDoundedLoad). They are made here to hold our xxh64 against that table.
 */
import { describe, expect, test } from "vitest";
import { xxh64 } from "./xxh64.ts";

type Point = readonly [host: string, position: bigint];

function envoyRing(hosts: readonly string[], pointsPerHost: number): Point[] {
  const points = hosts.flatMap((host) =>
    Array.from({ length: pointsPerHost }, (_, i): Point => [host, xxh64(`${host}_${i}`)]),
  );
  return points.sort(([, a], [, b]) => (a < b ? -1 : 1));
}

describe("Envoy's ring hash, 6 hosts and 12 points", () => {
  test("by address", () => {
    const hosts = [90, 91, 92, 93, 94, 95].map((port) => `127.0.0.1:${port}`);
    const ring = envoyRing(hosts, 2);
    expect(ring).toEqual([
      ["127.0.0.1:94", 833437586790550860n],
      ["127.0.0.1:92", 928266305478181108n],
      ["127.0.0.1:90", 1033482794131418490n],
      ["127.0.0.1:95", 3551244743356806947n],
      ["127.0.0.1:93", 3851675632748031481n],
      ["127.0.0.1:91", 5583722120771150861n],
      ["127.0.0.1:91", 6311230543546372928n],
      ["127.0.0.1:93", 7700377290971790572n],
      ["127.0.0.1:95", 13144177310400110813n],
      ["127.0.0.1:92", 13444792449719432967n],
      ["127.0.0.1:94", 15516499411664133160n],
      ["127.0.0.1:90", 16117243373044804889n],
    ]);
  });

  test("by host name", () => {
    const ring = envoyRing(["90", "91", "92", "93", "94", "95"], 2);
    expect(ring).toEqual([
      ["95", 1975508444536362413n],
      ["95", 2376063919839173711n],
      ["93", 2386806903309390596n],
      ["94", 6749904478991551885n],
      ["93", 6803900775736438537n],
      ["92", 7225015537174310577n],
      ["90", 8787465352164086522n],
      ["92", 11282020843382717940n],
      ["91", 13723418369486627818n],
      ["90", 13776502110861797421n],
      ["91", 14338313586354474791n],
      ["94", 15364271037087512980n],
    ]);
  });
});
