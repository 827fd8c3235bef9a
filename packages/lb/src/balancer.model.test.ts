/**
 * The balancer against a model of what must hold whatever happens: any order of picks, ends, joins,
 * departures, drains and time.
 */

import { seededRandom } from "@headroom/core/random";
import { createManualClock, type ManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Balancer, createBalancer } from "./balancer.ts";
import type { Lease } from "./lease.ts";
import { ABANDONED, FAILED, type Outcome, REFUSED, SUCCESS } from "./outcome.ts";

const IDS = ["a", "b", "c", "d", "e"] as const;
const OUTCOMES: readonly Outcome[] = [SUCCESS, FAILED, REFUSED, ABANDONED, { type: "throttled" }];
const MAX_EJECTED_SHARE = 0.5;

type Step =
  | { readonly do: "pick"; readonly excluded: readonly string[]; readonly repeatable: boolean }
  | { readonly do: "end"; readonly which: number; readonly outcome: Outcome }
  | { readonly do: "burst"; readonly id: string; readonly outcome: Outcome }
  | { readonly do: "join" | "leave" | "drain" | "resume"; readonly id: string }
  | { readonly do: "wait"; readonly ms: number };

const id = fc.constantFrom(...IDS);
const outcome = fc.constantFrom(...OUTCOMES);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("pick" as const),
      excluded: fc.subarray([...IDS]),
      repeatable: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("end" as const), which: fc.nat(), outcome }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("burst" as const), id, outcome }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("join" as const, "leave" as const, "drain" as const, "resume" as const),
      id,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 500, 1_000, 11_000, 40_000),
    }),
  },
);

class Checked {
  readonly clock: ManualClock = createManualClock();
  readonly left: string[] = [];
  readonly #balancer: Balancer<string>;
  readonly #open: Lease<string>[] = [];
  readonly #joined = new Set<string>(["a", "b", "c"]);

  constructor(seed: number) {
    this.#balancer = createBalancer({
      targets: [...this.#joined].map((each) => ({ id: each, target: each })),
      health: { maxEjectedShare: MAX_EJECTED_SHARE },
      clock: this.clock,
      random: seededRandom(seed),
      onLeft: (target) => this.left.push(target),
    });
  }

  async take(step: Step): Promise<void> {
    if (step.do === "pick") this.#pick(step);
    if (step.do === "end") this.#end(step.which, step.outcome);
    if (step.do === "burst") this.#burst(step.id, step.outcome);
    if (step.do === "wait") await this.clock.advance(step.ms);
    if (step.do === "join" && !this.#joined.has(step.id)) {
      this.#joined.add(step.id);
      this.#balancer.add({ id: step.id, target: step.id });
    }
    if (this.#joined.has("id" in step ? step.id : "")) this.#change(step);
    this.#conserved();
  }

  async end(): Promise<void> {
    for (const lease of this.#open.splice(0)) lease.done(SUCCESS);
    await this.#balancer.close();
    expect(this.#balancer.stats()).toMatchObject({ inFlight: 0, targets: [] });
  }

  #change(step: Step): void {
    if (step.do === "leave") {
      this.#joined.delete(step.id);
      this.#balancer.remove(step.id);
    }
    if (step.do === "drain") void this.#balancer.drain(step.id);
    if (step.do === "resume") this.#balancer.resume(step.id);
  }

  #pick({ excluded, repeatable }: Extract<Step, { do: "pick" }>): void {
    // Only a lease tells the candidate of a target: those excluded are of leases that are open.
    const exclude = new Set(
      this.#open.filter((lease) => excluded.includes(lease.id)).map(({ candidate }) => candidate),
    );
    const { targets } = this.#balancer.stats();
    const isExcluded = (target: string): boolean =>
      [...exclude].some((candidate) => candidate.id === target && this.#isCurrent(candidate.id));
    const usable = targets.filter(({ id, status }) => status !== "draining" && !isExcluded(id));
    let lease: Lease<string>;
    try {
      lease = this.#balancer.pick({ exclude, repeatable });
    } catch (error) {
      expect(error).toMatchObject({ code: "LB_NO_TARGET" });
      return;
    }
    this.#open.push(lease);
    expect(exclude.has(lease.candidate), "never an excluded one").toBe(false);
    const before = targets.find((target) => target.id === lease.id);
    expect(before, "never one that has left").toBeDefined();
    expect(before?.status, "never one that drains").not.toBe("draining");
    const isInRotation = ({ status }: { readonly status: string }): boolean =>
      status === "healthy" || status === "suspect";
    if (before === undefined || isInRotation(before)) return;
    const isProbe = this.#statusOf(lease.id) === "probing" && before.status !== "draining";
    const isLastResort = !usable.some(isInRotation);
    const isPanic = this.#balancer.stats().panickingPriorities.length > 0;
    expect(isProbe || isLastResort || isPanic, `${lease.id} was ${before.status}`).toBe(true);
  }

  #end(which: number, outcome: Outcome): void {
    const [lease] = this.#open.splice(which % Math.max(1, this.#open.length), 1);
    const ejectedBefore = this.#ejected();
    lease?.done(outcome);
    lease?.done(FAILED);
    this.#limited(ejectedBefore);
  }

  #burst(target: string, outcome: Outcome): void {
    for (let time = 0; time < 6; time++) {
      const ejectedBefore = this.#ejected();
      try {
        this.#balancer.pick({ prefer: target }).done(outcome);
      } catch (error) {
        expect(error).toMatchObject({ code: "LB_NO_TARGET" });
      }
      this.#limited(ejectedBefore);
    }
  }

  /** A failure ejects nobody beyond the limit. (Who leaves may bring those already out above it.) */
  #limited(ejectedBefore: number): void {
    const present = this.#balancer.stats().targets.filter(({ status }) => status !== "draining");
    const allowed = Math.max(1, Math.floor(present.length * MAX_EJECTED_SHARE));
    if (this.#ejected() > ejectedBefore) {
      expect(this.#ejected()).toBeLessThanOrEqual(Math.min(allowed, present.length - 1));
    }
  }

  #conserved(): void {
    const { inFlight, targets } = this.#balancer.stats();
    const open = this.#open.filter(({ candidate }) => this.#isCurrent(candidate.id));
    expect(inFlight).toBeLessThanOrEqual(this.#open.length);
    for (const target of targets) {
      const own = open.filter((lease) => lease.id === target.id).length;
      expect(target.inFlight).toBeLessThanOrEqual(own);
    }
    const counted = this.#open.reduce((sum, { candidate }) => sum + candidate.inFlight, 0);
    expect(counted, "every open lease is counted somewhere").toBeGreaterThanOrEqual(
      this.#open.length,
    );
  }

  #ejected(): number {
    return this.#balancer
      .stats()
      .targets.filter(({ status }) => status === "ejected" || status === "probing").length;
  }

  #statusOf(target: string): string | undefined {
    return this.#balancer.stats().targets.find((each) => each.id === target)?.status;
  }

  #isCurrent(target: string): boolean {
    return this.#joined.has(target);
  }
}

test("whatever happens: leases conserved, nobody excluded, left, draining or ejected is picked", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(), async (steps, seed) => {
      const checked = new Checked(seed);
      for (const each of steps) await checked.take(each);
      await checked.end();
    }),
    { numRuns: 300 },
  );
});

test("weights are respected under load, by every policy that takes them", () => {
  for (const policy of [
    "p2c",
    "p2c-ewma",
    "least-in-flight",
    "random",
    "smooth-weighted-round-robin",
  ] as const) {
    const balancer = createBalancer({
      targets: [1, 2, 3].map((weight) => ({ id: `w${weight}`, target: weight, weight })),
      policy,
      health: { slowStartMs: 0 },
      clock: createManualClock(),
      random: seededRandom(11),
    });
    const open: Lease<number>[] = [];
    const picked = new Map<number, number>();
    for (let request = 0; request < 12_000; request++) {
      if (open.length >= 24) open.splice((request * 7) % open.length, 1)[0]?.done(SUCCESS, 10);
      const lease = balancer.pick();
      open.push(lease);
      picked.set(lease.target, (picked.get(lease.target) ?? 0) + 1);
    }
    for (const weight of [1, 2, 3]) {
      const share = (picked.get(weight) ?? 0) / 12_000;
      // A draw of 12,000 has a standard deviation below 0.5 %: this is more than five of them.
      expect(Math.abs(share - weight / 6), `${policy}, weight ${weight}`).toBeLessThan(0.025);
    }
  }
});
