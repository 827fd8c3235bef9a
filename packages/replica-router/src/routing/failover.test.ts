/** What real servers do too seldom to be caught at it: each of these is a matter of milliseconds. */

import { expect, test } from "vitest";
import { gatedPool } from "../../test/gated-pool.ts";
import { GatedServer, sqlError } from "../../test/gated-postgres.ts";

const WRITE = "INSERT INTO notes VALUES (1)";
const READ = "SELECT count(*) FROM notes";

function start(options?: Parameters<typeof gatedPool>[1]) {
  const p = new GatedServer("p");
  const a = new GatedServer("a", { isStandby: true });
  return { p, a, ...gatedPool([p, a], options) };
}

test("who starts while the old primary answers first does not write to it", async () => {
  const { p, a, db, clock, roleOf } = start();
  Object.assign(a, { isStandby: false, timeline: 2, state: "hung" });
  const writing = db.query(WRITE);
  await clock.advance(100);
  expect([roleOf(p), p.received]).toEqual(["unknown", []]);
  a.start();
  await clock.advance(100);
  await writing;
  expect([p.received, a.received]).toEqual([[], [WRITE]]);
});

test("who starts while a server hangs waits for it as long as a look takes", async () => {
  const { p, a, db, clock } = start();
  a.state = "hung";
  const writing = db.query(WRITE);
  await clock.advance(1000);
  expect(p.received).toEqual([]);
  await clock.advance(100);
  await writing;
  expect(p.received).toEqual([WRITE]);
});

test("what waits at a primary that hangs is in doubt when another has taken its place", async () => {
  const { p, a, db, clock, roleOf } = start();
  await clock.advance(0);
  await db.query(WRITE);
  p.state = "hung";
  const hanging = db.query(WRITE).catch((error) => error);
  await clock.advance(1000);
  expect(roleOf(p)).toBe("unknown");
  a.promote();
  await clock.advance(100);
  expect(await hanging).toMatchObject({ code: "REPLICA_WRITE_OUTCOME_UNKNOWN" });
});

test("a primary that refuses one write, of a read-only user, stays the primary", async () => {
  const { p, db, clock, roleOf } = start();
  await clock.advance(0);
  await db.query(WRITE);
  let finish = (): void => {};
  p.gate = (text, what) =>
    text === WRITE && what === "answers"
      ? new Promise<void>((resolve) => {
          finish = resolve;
        })
      : Promise.resolve();
  const writing = db.query(WRITE);
  await clock.advance(0);
  p.answer = () => sqlError("25006");
  await expect(db.query("UPDATE notes SET id = 2")).rejects.toMatchObject({ code: "25006" });
  expect(roleOf(p)).toBe("primary");
  finish();
  await writing;
});

test("a replica that crashed while a read waited for a connection to it is not taken for what it was", async () => {
  const { p, a, db, clock, roleOf } = start({ max: 1 });
  await clock.advance(0);
  const holder = await db.connect();
  await holder.query("BEGIN READ ONLY");
  const waiting = db.run("1.1.1.64.0", () => db.query(READ));
  await clock.advance(0);
  a.kill();
  await clock.advance(0);
  expect(roleOf(a)).toBe("unknown");
  // A crash takes some of what it had replayed back.
  a.start({ lsn: 90n });
  await clock.advance(2000);
  expect(roleOf(a)).toBe("replica");
  holder.release();
  await clock.advance(100);
  await waiting;
  expect([a.received.includes(READ), p.received.includes(READ)]).toEqual([false, true]);
});

test("a session that reads from the primary again and again is let go when a replica has that", async () => {
  const { p, a, db, clock } = start({ monitor: { intervalMs: 60_000 } });
  await clock.advance(0);
  await db.run("1.1.1.C8.0", async () => {
    for (let n = 0; n < 5; n++) {
      await db.query(`SELECT ${n} FROM notes`);
      p.lsn = 200n;
      a.lsn = 200n;
      await clock.advance(20);
    }
  });
  expect(p.received.length).toBeGreaterThan(0);
  expect(p.received.length).toBeLessThan(5);
  expect(a.received.at(-1)).toBe("SELECT 4 FROM notes");
});
