import type { Endpoint } from "./endpoint.ts";
import type { Program } from "./place.ts";
import { quote } from "./shell.ts";

/**
 * Settings for servers that live for seconds: nothing on disk unless asked for (`appendonly: "yes"`),
 * and no 5 s pause before a replica is sent its first copy.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  bind: "127.0.0.1",
  save: "",
  appendonly: "no",
  dir: ".",
  "repl-diskless-sync-delay": "0",
  "repl-timeout": "10",
};

export type RedisSettings = Readonly<Record<string, string>>;

export function redisProgram(name: string, port: number, settings: RedisSettings): Program {
  const words = Object.entries({ port: String(port), ...SETTINGS, ...settings })
    .map(([setting, value]) => `--${setting} ${quote(value)}`)
    .join(" ");
  return {
    name,
    engine: "redis",
    script: `exec redis-server ${words}`,
    stopSignal: "SIGTERM",
    quitSignal: "SIGKILL",
  };
}

/** A Sentinel; it rewrites its own configuration, which therefore is written only once. */
export function sentinelProgram(name: string, port: number, lines: readonly string[]): Program {
  const file = [`port ${port}`, "bind 127.0.0.1", "dir .", ...lines].join("\n");
  return {
    name,
    engine: "redis",
    script: `[ -s sentinel.conf ] || printf '%s\\n' ${quote(file)} > sentinel.conf\nexec redis-server ./sentinel.conf --sentinel`,
    stopSignal: "SIGTERM",
    quitSignal: "SIGKILL",
  };
}

/** How a server behind a proxy presents itself to others: as the proxy. */
export function announce(prefix: "replica" | "cluster", { host, port }: Endpoint): RedisSettings {
  return { [`${prefix}-announce-ip`]: host, [`${prefix}-announce-port`]: String(port) };
}
