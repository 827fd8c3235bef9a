import type { Session } from "fastify";
import { connectRedisStore, type OpenApplication, SECRET } from "./applications.ts";
import { CART } from "./routes.ts";

/** Those of the routes that are looked at here, on @fastify/session over connect-redis. */
export const fastifySession: OpenApplication = async (servers, resources, gate) => {
  const { default: fastify } = await import("fastify");
  const { default: cookie } = await import("@fastify/cookie");
  const { default: plugin } = await import("@fastify/session");
  const store = await connectRedisStore(servers, resources);
  const app = fastify({ trustProxy: true });
  resources.defer(() => app.close());
  await app.register(cookie);
  await app.register(plugin, {
    secret: SECRET,
    store,
    saveUninitialized: false,
    cookie: { secure: true },
  });
  const read = (session: Session, field: string): unknown => Reflect.get(session, field);
  const write = (session: Session, field: string, value: unknown): void => {
    Reflect.set(session, field, value);
  };

  app.get<{ Params: { user: string } }>("/login/:user", async (request) => {
    await request.session.regenerate();
    // Another object than before.
    const { session, params } = request;
    write(session, "user", params.user);
    write(session, "cart", CART);
    write(session, "count", 0);
    return "in";
  });
  app.get("/unused", async () => "unused");
  app.get("/read", async ({ session }) => `count ${read(session, "count")}`);
  let written = 0;
  app.get("/write", async ({ session }) => {
    written += 1;
    write(session, "count", Number(read(session, "count")) + written);
    return "written";
  });
  app.get("/set", async ({ session }) => {
    written += 1;
    write(session, "count", written);
    return "set";
  });
  app.get<{ Params: { field: string } }>("/hold/:field", async ({ session, params }) => {
    await gate?.pass();
    write(session, params.field, 1);
    return "held";
  });
  app.get("/names", async ({ session }) => Object.keys(session).join());
  app.get("/user", async ({ session }) => String(read(session, "user") ?? "nobody"));
  app.get("/logout", async ({ session }) => {
    await session.destroy();
    return "out";
  });
  app.get<{ Params: { user: string } }>("/redirect/:user", async ({ session, params }, reply) => {
    write(session, "user", params.user);
    return reply.redirect("/user", 303);
  });
  return app.listen({ host: "127.0.0.1", port: 0 });
};
