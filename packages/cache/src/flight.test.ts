import { expect, test } from "vitest";
import { Flight } from "./flight.ts";

test("everyone who joins gets the same answer, once", async () => {
  const flight = new Flight("k");
  const joined = [flight.join(), flight.join()];
  flight.answer("first");
  flight.answer("second");
  expect(await Promise.all(joined)).toEqual(["first", "first"]);
  expect(flight.answered).toBe(true);
});

test("a flight that fails with nobody waiting is no unhandled rejection", async () => {
  const flight = new Flight("k");
  flight.fail(new Error("down"));
  await expect(flight.join()).rejects.toThrow("down");
});

test("the last of those who may leave takes the flight with it", async () => {
  const flight = new Flight("k");
  const [a, b] = [new AbortController(), new AbortController()];
  let abandoned = 0;
  const waits = [a, b].map(({ signal }) => flight.joinUntil(signal, () => abandoned++));
  const settled = Promise.allSettled(waits);
  a.abort("a left");
  expect([abandoned, flight.current, flight.controller.signal.aborted]).toEqual([0, true, false]);
  b.abort("b left");
  expect([abandoned, flight.current, flight.controller.signal.reason]).toEqual([
    1,
    false,
    "b left",
  ]);
  expect(await settled).toMatchObject([{ reason: "a left" }, { reason: "b left" }]);
});

test("one who cannot leave keeps the flight going", async () => {
  const flight = new Flight("k");
  const leaving = new AbortController();
  const wait = flight.joinUntil(leaving.signal, () => expect.unreachable());
  const stays = flight.join();
  leaving.abort("left");
  await expect(wait).rejects.toBe("left");
  flight.answer("v");
  expect(await stays).toBe("v");
});

test("an abort after the answer changes nothing", async () => {
  const flight = new Flight("k");
  const late = new AbortController();
  const wait = flight.joinUntil(late.signal, () => expect.unreachable());
  flight.answer("v");
  expect(await wait).toBe("v");
  late.abort("late");
  expect(flight.current).toBe(true);
});
