import { expect, test } from "vitest";
import type { Host } from "../topology/host.ts";
import type { Observation } from "../topology/observation.ts";
import { SessionScope } from "./session-scope.ts";
import type { Token } from "./token.ts";

const token = (lsn: bigint): Token => ({ system: "1", timeline: 1, lsn, madeMs: 0 });
const tokenOf = ({ lsn }: Observation): Token => token(lsn ?? 0n);
const hostAt = (lsn: bigint, askedMs: number) => ({ observation: { lsn, askedMs } }) as Host;

test("a write is placed by a look that began after it", () => {
  const scope = new SessionScope(undefined, true);
  expect(scope.hasUnplacedWrites).toBe(false);
  scope.wrote();
  const { writes } = scope;
  scope.wrote();
  scope.place(token(5n), writes);
  expect(scope.hasUnplacedWrites).toBe(true);
  scope.place(token(6n), scope.writes);
  expect(scope.hasUnplacedWrites).toBe(false);
  expect(scope.token?.lsn).toBe(6n);
});

test("what was brought along is never forgotten for less", () => {
  const scope = new SessionScope(token(9n), true);
  scope.wrote();
  scope.place(token(6n), scope.writes);
  expect(scope.token?.lsn).toBe(9n);
});

test("who only reads takes no token along", () => {
  const scope = new SessionScope(undefined, true);
  scope.hasRead(hostAt(60n, 21), 20);
  scope.settleReads(tokenOf);
  expect([scope.needsToken, scope.token?.lsn]).toEqual([false, 60n]);
  scope.wrote();
  expect(scope.needsToken).toBe(true);
  expect(new SessionScope(token(1n), true).needsToken).toBe(true);
});

test("a reader is stayed with until it was looked at after it answered", () => {
  const scope = new SessionScope(undefined, true);
  const before = hostAt(50n, 10);
  scope.hasRead(before, 20);
  scope.settleReads(tokenOf);
  expect(scope.lastReader).toBe(before);
  const after = hostAt(60n, 21);
  scope.hasRead(after, 20);
  scope.settleReads(tokenOf);
  expect(scope.lastReader).toBeUndefined();
  expect(scope.token?.lsn).toBe(60n);
});

test("the session of everybody who has none is not held to one replica", () => {
  const scope = new SessionScope(undefined, false);
  scope.hasRead(hostAt(50n, 10), 5);
  expect(scope.lastReader).toBeUndefined();
});

test("of servers without positions a replica keeps its reader, and the primary lets it go", () => {
  const scope = new SessionScope(undefined, true);
  const see = (isStandby: boolean) =>
    ({ observation: { lsn: undefined, isStandby, askedMs: 2 } }) as unknown as Host;
  const replica = see(true);
  scope.hasRead(replica, 1);
  scope.settleReads(tokenOf);
  expect([scope.lastReader, scope.token]).toEqual([replica, undefined]);
  scope.hasRead(see(false), 1);
  scope.settleReads(tokenOf);
  expect([scope.lastReader, scope.token]).toEqual([undefined, undefined]);
});

test("a reader that was gone in the meantime may have less: what was read there is the primary's to place", () => {
  const scope = new SessionScope(undefined, true);
  const host = { observation: { lsn: 50n, askedMs: 10 }, outages: 0 } as Host;
  scope.hasRead(host, 20);
  Object.assign(host, { observation: { lsn: 40n, askedMs: 30 }, outages: 1 });
  scope.settleReads(tokenOf);
  expect([scope.lastReader, scope.hasUnplacedWrites]).toEqual([undefined, true]);
  scope.place(token(60n), scope.writes);
  expect([scope.token?.lsn, scope.hasUnplacedWrites]).toEqual([60n, false]);
});
