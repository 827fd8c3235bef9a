import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CIRCLE, type Continuum, createContinuum } from "./continuum.ts";

/** Few positions, so that points collide, and both ends of the circle. */
const positions = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.integer({ min: CIRCLE - 5, max: CIRCLE - 1 }),
  fc.integer({ min: 0, max: CIRCLE - 1 }),
);
const pointsByOwner = fc
  .array(fc.array(positions, { maxLength: 12 }), { minLength: 1, maxLength: 8 })
  .filter((owners) => owners.some((points) => points.length > 0));

function build(owners: readonly (readonly number[])[]): Continuum {
  return createContinuum(owners.map((points) => Uint32Array.from(points)));
}

/** The definition, by looking at every point. */
function firstOwner(owners: readonly (readonly number[])[], position: number): number {
  const all = owners.flatMap((points, owner) => points.map((point) => ({ point, owner })));
  all.sort((a, b) => a.point - b.point || a.owner - b.owner);
  return (all.find(({ point }) => point >= position) ?? all[0])?.owner ?? Number.NaN;
}

describe("a continuum", () => {
  test("gives every position to the first point at or after it, around the circle", () => {
    fc.assert(
      fc.property(pointsByOwner, positions, (owners, position) => {
        expect(build(owners).ownerAt(position)).toBe(firstOwner(owners, position));
      }),
    );
  });

  test("finds the owner when all points crowd together, as no hash would put them", () => {
    const owners = [[...Array(500).keys()], [...Array(500).keys()].map((i) => CIRCLE - 1 - i)];
    const continuum = build(owners);
    expect([0, 499, 500, CIRCLE - 500, CIRCLE - 1].map((at) => continuum.ownerAt(at))).toEqual([
      0, 0, 1, 1, 1,
    ]);
  });

  test("gives a position that two owners have a point on to the lower one", () => {
    expect(build([[9], [9]]).ownerAt(9)).toBe(0);
    expect(build([[100], [9], [9]]).ownerAt(9)).toBe(1);
  });

  test("gives such a position to the other when the winner is removed", () => {
    expect(
      build([[100], [9], [9]])
        .remove(1)
        .ownerAt(9),
    ).toBe(1);
    expect(
      build([[100], [9], [9]])
        .remove(2)
        .ownerAt(9),
    ).toBe(1);
  });

  test("is the same whether an owner was there from the start or inserted", () => {
    fc.assert(
      fc.property(pointsByOwner, fc.nat(7), positions, (owners, at, position) => {
        const late = at % owners.length;
        const others = owners.filter((_, owner) => owner !== late);
        fc.pre(others.some((points) => points.length > 0));
        const grown = build(others).insert(late, Uint32Array.from(owners[late] ?? []));
        expect(grown.size).toBe(build(owners).size);
        expect(grown.ownerAt(position)).toBe(build(owners).ownerAt(position));
        expect([...grown.ranges()]).toEqual([...build(owners).ranges()]);
      }),
    );
  });

  test("is the same whether an owner was never there or removed", () => {
    fc.assert(
      fc.property(pointsByOwner, fc.nat(7), positions, (owners, at, position) => {
        const gone = at % owners.length;
        const others = owners.filter((_, owner) => owner !== gone);
        fc.pre(others.some((points) => points.length > 0));
        const shrunk = build(owners).remove(gone);
        expect(shrunk.size).toBe(build(others).size);
        expect(shrunk.ownerAt(position)).toBe(build(others).ownerAt(position));
        expect([...shrunk.ranges()]).toEqual([...build(others).ranges()]);
      }),
    );
  });

  test("lists every owner that has a point once, from the position's own owner on", () => {
    fc.assert(
      fc.property(pointsByOwner, positions, (owners, position) => {
        const listed = [...build(owners).ownersFrom(position)];
        const withPoints = [...owners.keys()].filter((owner) => (owners[owner] ?? []).length > 0);
        expect(listed.toSorted((a, b) => a - b)).toEqual(withPoints);
        expect(listed[0]).toBe(firstOwner(owners, position));
      }),
    );
  });

  test("lists the first few of them alike without a generator", () => {
    fc.assert(
      fc.property(
        pointsByOwner,
        positions,
        fc.integer({ min: 1, max: 10 }),
        (owners, at, count) => {
          const continuum = build(owners);
          const first = [...continuum.ownersFrom(at)].slice(0, count);
          expect(continuum.firstOwners(at, count)).toEqual(first);
        },
      ),
    );
  });

  test("has ranges that cover the circle without gaps and agree with the lookup", () => {
    fc.assert(
      fc.property(pointsByOwner, (owners) => {
        const continuum = build(owners);
        let covered = 0;
        let before = -1;
        for (const { start, end, owner } of continuum.ranges()) {
          expect(owner, "neighbours have different owners").not.toBe(before);
          before = owner;
          expect(start).toBe(covered);
          expect(end).toBeGreaterThan(start);
          expect([continuum.ownerAt(start), continuum.ownerAt(end - 1)]).toEqual([owner, owner]);
          covered = end;
        }
        expect(covered).toBe(CIRCLE);
      }),
    );
  });

  test("counts owners beyond 65,536", () => {
    const owners = Array.from({ length: 70_000 }, (_, owner) => [owner * 60_000]);
    const continuum = build(owners);
    expect(continuum.ownerAt(69_999 * 60_000)).toBe(69_999);
    expect(continuum.remove(0).ownerAt(69_999 * 60_000)).toBe(69_998);
  });

  test("counts on when the owner inserted is the 65,537th", () => {
    const owners = Array.from({ length: 65_536 }, (_, owner) => [owner * 60_000]);
    const continuum = build(owners).insert(65_536, Uint32Array.of(65_536 * 60_000));
    expect(continuum.ownerAt(65_536 * 60_000)).toBe(65_536);
  });
});
