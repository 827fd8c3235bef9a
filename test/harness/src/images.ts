import type { Engine } from "./place.ts";

/**
 * The image each engine runs from in Docker: the official one unless the environment names another
 * (test/images builds equivalents from Debian packages where no registry can be reached).
 */
export const images: Readonly<
  Record<Engine, { variable: string; image: string; user: string; directory: string }>
> = {
  postgres: {
    variable: "HEADROOM_IMAGE_POSTGRES",
    image: process.env["HEADROOM_IMAGE_POSTGRES"] ?? "postgres:17",
    user: "postgres",
    directory: "/var/lib/postgresql",
  },
  redis: {
    variable: "HEADROOM_IMAGE_REDIS",
    image: process.env["HEADROOM_IMAGE_REDIS"] ?? "redis:7.4",
    user: "redis",
    directory: "/data",
  },
};
