import { expect, test } from "vitest";
import { FakeClient, FakeServer, serverError } from "../../test/fake-postgres.ts";
import type { PooledClient } from "../pg-module.ts";
import { Lease } from "./lease.ts";

async function lease() {
  const server = new FakeServer("a", false);
  const client = new FakeClient({ host: "a", servers: new Map([["a", server]]) });
  await client.connect();
  const released: unknown[] = [];
  const lent = new Lease(client as unknown as PooledClient, "read", ({ isBroken }) =>
    released.push(isBroken),
  );
  return { server, lent, released };
}

test("a failed statement leaves it good, and it is settled when the server is ready", async () => {
  const { server, lent, released } = await lease();
  server.answer = () => serverError("42703");
  await expect(lent.run("SELECT nothing")).rejects.toMatchObject({ code: "42703" });
  await lent.settled();
  expect([lent.isReady, lent.isBroken, lent.isIdle]).toEqual([true, false, true]);
  lent.release();
  expect(released).toEqual([false]);
});

test("one that is cut fails what is under way and is not used again", async () => {
  const { server, lent, released } = await lease();
  server.isHung = true;
  const running = lent.run("SELECT 1");
  lent.cut();
  await expect(running).rejects.toThrow(/terminated/);
  await lent.settled();
  lent.release();
  expect([lent.isBroken, released]).toEqual([true, [true]]);
});

test("who waits for its answer is told when it is given back as bad", async () => {
  const { server, lent } = await lease();
  server.isHung = true;
  lent.run("SELECT 1").catch(() => {});
  const waiting = lent.settled();
  lent.release(true);
  await waiting;
  expect(lent.isBroken).toBe(true);
});

test("it is given back once", async () => {
  const { lent, released } = await lease();
  lent.release();
  lent.release();
  expect(released).toEqual([false]);
});
