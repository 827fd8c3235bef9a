import { startRedis } from "@headroom/harness";
import { Redis } from "ioredis";
import type { FiguresVariant } from "../../src/area.ts";
import type { OpenApplication } from "./applications.ts";
import { Browser } from "./browser.ts";

const REQUESTS = 20;
const ROUTES = ["anonymous", "unused", "read", "write", "set"] as const;

export type Route = (typeof ROUTES)[number];

/**
 * Commands that clients have sent to Redis for one request, as its `MONITOR` shows them. What a script
 * does inside of the server is no round trip, and not counted.
 */
export function roundTrips(open: OpenApplication): FiguresVariant<Route> {
  return async (resources) => {
    const { primary } = resources.use(await startRedis());
    const { host, port } = primary.direct;
    const origin = await open({ redis: primary.direct }, resources);
    const watch = new Redis(port, host);
    resources.defer(() => watch.disconnect());
    const monitor = await watch.monitor();
    resources.defer(() => monitor.disconnect());
    let sent: string[] = [];
    monitor.on("monitor", (_time: string, [command = "", ...rest]: string[], source: string) => {
      if (command.toLowerCase() === "echo") marked(rest[0] ?? "");
      else if (source !== "lua") sent.push(command);
    });
    let marked: (mark: string) => void = () => {};
    /** Resolves when everything sent before has been seen. */
    const seen = (mark: string): Promise<void> => {
      const done = new Promise<void>((resolve) => {
        marked = (found) => {
          if (found === mark) resolve();
        };
      });
      return watch.echo(mark).then(() => done);
    };

    const browser = new Browser();
    const count = async (route: Route): Promise<number> => {
      const visitor = route === "anonymous" ? new Browser() : browser;
      const path = route === "anonymous" ? "/unused" : `/${route}`;
      // The first may teach the server a script.
      await visitor.text(origin, path);
      await seen(`before ${route}`);
      sent = [];
      for (let request = 0; request < REQUESTS; request += 1) await visitor.text(origin, path);
      await seen(`after ${route}`);
      return sent.length / REQUESTS;
    };
    await browser.login(origin);
    return {
      anonymous: await count("anonymous"),
      unused: await count("unused"),
      read: await count("read"),
      write: await count("write"),
      set: await count("set"),
    };
  };
}
