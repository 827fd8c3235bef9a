import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Health,
  type HealthEvent,
  initialHealth,
  isProbeDue,
  nextHealth,
  weightAt,
} from "./health.ts";
import { type FailureKind, healthPolicy } from "./health-policy.ts";

// Without jitter every ejection has its whole length.
const policy = healthPolicy({ random: () => 0 });

/** One server, its clock, and the requests that are sent to it. */
class Server {
  nowMs = 0;
  state: Health = initialHealth(0);

  event(event: HealthEvent): void {
    this.state = nextHealth(this.state, event, this.nowMs, policy);
  }

  succeed(startedMs = this.nowMs): void {
    this.event({ type: "success", startedMs });
  }

  fail(times = 1, kind: FailureKind = "failed", startedMs = this.nowMs): void {
    for (let i = 0; i < times; i++) this.event({ type: "failure", startedMs, kind });
  }

  /** Starts the probe as soon as one is due; answers how long that took. */
  waitAndProbe(): number {
    const fromMs = this.nowMs;
    if (this.state.status === "ejected") this.nowMs = Math.max(this.nowMs, this.state.untilMs);
    expect(isProbeDue(this.state, this.nowMs, policy)).toBe(true);
    this.event({ type: "probe" });
    return this.nowMs - fromMs;
  }

  get weight(): number {
    return weightAt(this.state, this.nowMs, policy);
  }
}

describe("in rotation", () => {
  test("one failure makes a server suspect, which still gets its traffic", () => {
    const server = new Server();
    server.nowMs = 60_000;
    server.fail();
    expect(server.state).toMatchObject({ status: "suspect", failures: 1 });
    expect(server.weight).toBe(1);
  });

  test("the fifth failure in a row ejects it", () => {
    const server = new Server();
    server.fail(4);
    expect(server.state.status).toBe("suspect");
    server.fail();
    expect(server.state).toEqual({ status: "ejected", untilMs: 30_000, ejectionMs: 30_000 });
    expect(server.weight).toBe(0);
  });

  test("a success between failures starts the count again (Envoy)", () => {
    const server = new Server();
    server.fail(4);
    server.succeed();
    expect(server.state.status).toBe("healthy");
    server.fail(4);
    expect(server.state.status).toBe("suspect");
  });

  test("the same object is returned when nothing changed", () => {
    const state = initialHealth(0);
    expect(nextHealth(state, { type: "success", startedMs: 5 }, 10, policy)).toBe(state);
  });

  test("another signal can eject it without five failures", () => {
    const server = new Server();
    server.event({ type: "eject" });
    expect(server.state).toEqual({ status: "ejected", untilMs: 30_000, ejectionMs: 30_000 });
  });

  test("a caller that gave up says nothing about the server", () => {
    const server = new Server();
    server.fail(4);
    server.event({ type: "abandoned", startedMs: 0 });
    expect(server.state).toMatchObject({ status: "suspect", failures: 4 });
  });
});

describe("ejected", () => {
  test("it is out at 29.999 s and may be probed at 30 s", () => {
    const server = new Server();
    server.fail(5);
    expect(isProbeDue(server.state, 29_999, policy)).toBe(false);
    expect(isProbeDue(server.state, 30_000, policy)).toBe(true);
  });

  test("a refused connection is tried again after 1 s", () => {
    const server = new Server();
    server.fail(5, "refused");
    expect(server.waitAndProbe()).toBe(1000);
  });

  test("a probe before its time is not started", () => {
    const server = new Server();
    server.fail(5);
    server.event({ type: "probe" });
    expect(server.state.status).toBe("ejected");
  });

  test("late results of requests from before change nothing", () => {
    const server = new Server();
    server.fail(5);
    const ejected = server.state;
    server.nowMs = 10_000;
    server.succeed(0);
    server.fail(10, "failed", 0);
    expect(server.state).toBe(ejected);
  });
});

describe("probing", () => {
  test("a probe that succeeds brings it back", () => {
    const server = new Server();
    server.fail(5);
    server.waitAndProbe();
    expect(server.weight).toBe(0);
    server.succeed();
    expect(server.state.status).toBe("healthy");
  });

  test("a probe that fails ejects it for twice as long, up to 300 s", () => {
    const server = new Server();
    server.fail(5);
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      waits.push(server.waitAndProbe());
      server.fail();
    }
    expect(waits).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
  });

  test("only the probe decides, not a request that was hanging since before", () => {
    const server = new Server();
    server.fail(5);
    server.waitAndProbe();
    server.fail(1, "failed", 0);
    server.succeed(0);
    server.event({ type: "abandoned", startedMs: 0 });
    expect(server.state.status).toBe("probing");
  });

  test("requests that time out after its return cannot eject it again", () => {
    const server = new Server();
    server.fail(5);
    server.waitAndProbe();
    server.succeed();
    server.fail(10, "failed", 0);
    expect(server.state.status).toBe("healthy");
  });

  test("no second probe starts while one is under way", () => {
    const server = new Server();
    server.fail(5);
    server.waitAndProbe();
    const probing = server.state;
    server.nowMs += 29_999;
    server.event({ type: "probe" });
    expect(server.state).toBe(probing);
  });

  test("an abandoned probe is replaced at once", () => {
    const server = new Server();
    server.fail(5);
    server.waitAndProbe();
    server.event({ type: "abandoned", startedMs: server.nowMs });
    expect(server.waitAndProbe()).toBe(0);
    server.succeed();
    expect(server.state.status).toBe("healthy");
  });

  test("a lost probe is replaced after its timeout, and its late result is ignored", () => {
    const server = new Server();
    server.fail(5);
    server.waitAndProbe();
    const lostStartedMs = server.nowMs;
    server.nowMs += 30_000;
    server.waitAndProbe();
    server.fail(1, "failed", lostStartedMs);
    expect(server.state.status).toBe("probing");
    server.succeed();
    expect(server.state.status).toBe("healthy");
  });
});

describe("forgiveness", () => {
  function returned(ejections: number): Server {
    const server = new Server();
    server.fail(5);
    for (let i = 1; i < ejections; i++) {
      server.waitAndProbe();
      server.fail();
    }
    server.waitAndProbe();
    server.succeed();
    return server;
  }

  test("a server that fails right after its return is ejected for longer than before", () => {
    const server = returned(2);
    server.fail(5);
    expect(server.waitAndProbe()).toBe(120_000);
  });

  test("each 10 s in rotation forgive one ejection", () => {
    for (const [cleanMs, ejectionMs] of [
      [9_999, 120_000],
      [10_000, 60_000],
      [20_000, 30_000],
      [3_600_000, 30_000],
    ] as const) {
      const server = returned(2);
      server.nowMs += cleanMs;
      server.fail(5);
      expect(server.waitAndProbe()).toBe(ejectionMs);
    }
  });
});

test("a restart that takes long is not held against a server as if it had failed each time", () => {
  const server = new Server();
  server.fail(5, "refused");
  for (const openMs of [1000, 2000, 4000, 8000]) {
    expect(server.waitAndProbe()).toBe(openMs);
    server.fail(1, openMs < 8000 ? "refused" : "failed");
  }
  expect(server.waitAndProbe()).toBe(30_000);
});

describe("draining", () => {
  test("a draining server gets nothing and ignores everything until it resumes", () => {
    const server = new Server();
    server.event({ type: "drain" });
    const draining = server.state;
    server.succeed();
    server.fail(10);
    for (const type of ["eject", "probe", "drain"] as const) server.event({ type });
    expect(server.state).toBe(draining);
    expect(server.weight).toBe(0);
    expect(isProbeDue(server.state, 1e9, policy)).toBe(false);
  });

  test("an ejected server can be drained, and resumes with a clean record", () => {
    const server = new Server();
    server.fail(5);
    server.event({ type: "drain" });
    server.nowMs = 500;
    server.event({ type: "resume" });
    expect(server.state).toEqual(initialHealth(500));
  });

  test("resuming a server that was not drained changes nothing", () => {
    const server = new Server();
    server.fail(5);
    server.event({ type: "resume" });
    expect(server.state.status).toBe("ejected");
  });
});

describe("slow start", () => {
  test("the weight grows from a tenth to the whole in 10 s (Envoy's formula)", () => {
    const server = new Server();
    const weights = [0, 500, 1000, 2500, 5000, 9999, 10_000, 1e9].map((nowMs) =>
      weightAt(server.state, nowMs, policy),
    );
    expect(weights).toEqual([0.1, 0.1, 0.1, 0.25, 0.5, 0.9999, 1, 1]);
  });

  test("it begins again after an ejection, but not after a mere suspicion", () => {
    const server = new Server();
    server.nowMs = 50_000;
    server.fail();
    server.succeed();
    expect(server.weight).toBe(1);
    server.fail(5);
    server.waitAndProbe();
    server.succeed();
    expect(server.weight).toBe(0.1);
  });

  test("with 0 ms a server has its whole weight at once", () => {
    const atOnce = healthPolicy({ slowStartMs: 0 });
    expect(weightAt(initialHealth(7), 7, atOnce)).toBe(1);
  });
});

describe("whatever happens, in whatever order", () => {
  /** What a reader of the documentation would expect, without the machine's data. */
  interface Model {
    up: boolean;
    drained: boolean;
    failures: number;
    /** Start times of probes that have neither ended nor timed out. */
    liveProbes: number[];
  }
  interface Real {
    server: Server;
  }
  type Step = fc.Command<Model, Real>;

  const step = (name: string, run: (model: Model, server: Server) => void): Step => ({
    check: () => true,
    toString: () => name,
    run: (model, { server }) => {
      const before = server.state;
      const fromMs = server.nowMs;
      run(model, server);
      const probeTimeoutMs = policy.probeTimeoutMs;
      model.liveProbes = model.liveProbes.filter((ms) => ms + probeTimeoutMs > server.nowMs);

      const { status } = server.state;
      expect(status === "draining").toBe(model.drained);
      if (!model.drained) expect(status === "healthy" || status === "suspect").toBe(model.up);
      expect(server.weight > 0).toBe(model.up && !model.drained);
      expect(server.weight).toBeLessThanOrEqual(1);
      expect(model.liveProbes.length).toBeLessThanOrEqual(1);
      if (model.liveProbes.length > 0) {
        expect(isProbeDue(server.state, server.nowMs, policy)).toBe(false);
      }
      if (server.state.status === "ejected" && server.state !== before) {
        expect(server.state.untilMs - fromMs).toBeLessThanOrEqual(300_000);
      }
      if (!model.up && !model.drained) {
        // It always returns: wait long enough, probe, succeed.
        const lateMs = server.nowMs + 300_000;
        expect(isProbeDue(server.state, lateMs, policy)).toBe(true);
        const probing = nextHealth(server.state, { type: "probe" }, lateMs, policy);
        const back = nextHealth(probing, { type: "success", startedMs: lateMs }, lateMs, policy);
        expect(back.status).toBe("healthy");
      }
    },
  });

  const down = (model: Model): void => {
    model.up = false;
    model.failures = 0;
  };
  const steps = [
    fc.integer({ min: 1, max: 60_000 }).map((ms) =>
      step(`wait ${ms}`, (_, server) => {
        server.nowMs += ms;
      }),
    ),
    fc.constant(
      step("answer", (model, server) => {
        if (!model.up || model.drained) return;
        server.succeed();
        model.failures = 0;
      }),
    ),
    fc.constantFrom<FailureKind>("failed", "refused").map((kind) =>
      step(kind, (model, server) => {
        if (!model.up || model.drained) return;
        server.fail(1, kind);
        model.failures++;
        if (model.failures === 5) down(model);
      }),
    ),
    fc.constant(
      step("late results of requests from before", (_, server) => {
        server.succeed(-1);
        server.fail(5, "failed", -1);
      }),
    ),
    fc.constant(
      step("probe if due", (model, server) => {
        if (!isProbeDue(server.state, server.nowMs, policy)) return;
        server.event({ type: "probe" });
        model.liveProbes.push(server.nowMs);
      }),
    ),
    fc.constantFrom("success", "failure", "abandoned").map((type) =>
      step(`probe ends in ${type}`, (model, server) => {
        const startedMs = model.liveProbes.pop();
        if (startedMs === undefined) return;
        if (type === "success") server.succeed(startedMs);
        else if (type === "failure") server.fail(1, "failed", startedMs);
        else server.event({ type: "abandoned", startedMs });
        if (type === "success" && !model.drained) model.up = true;
      }),
    ),
    fc.constant(
      step("eject", (model, server) => {
        server.event({ type: "eject" });
        if (!model.drained) down(model);
      }),
    ),
    fc.constant(
      step("drain", (model, server) => {
        server.event({ type: "drain" });
        model.drained = true;
        model.liveProbes = [];
      }),
    ),
    fc.constant(
      step("resume", (model, server) => {
        server.event({ type: "resume" });
        if (model.drained) Object.assign(model, { drained: false, up: true, failures: 0 });
      }),
    ),
  ];

  test("there is one probe at most, ejections end, and a drained server rests", () => {
    fc.assert(
      fc.property(fc.commands(steps, { maxCommands: 60 }), (commands) => {
        const setup = (): { model: Model; real: Real } => ({
          model: { up: true, drained: false, failures: 0, liveProbes: [] },
          real: { server: new Server() },
        });
        fc.modelRun(setup, commands);
      }),
      { numRuns: 500 },
    );
  });
});
