// Sessions without a server: encrypted, in their cookie.
import { cookieStore, createSessions } from "@headroom/session";

const sessions = createSessions<{ theme: "dark" | "light"; note: string }>({
  store: cookieStore(),
  secrets: [process.env["SESSION_SECRET"] ?? "32 characters or more, kept secret"],
});

const session = sessions.open(undefined);
session.set("theme", "dark");
await session.login("ann");
const [cookie = ""] = (session.takeCookie() ?? "").split(";");

// Any server with the secret reads it; nobody else can, and nobody can change it.
const next = await sessions.open(cookie).load();
console.log(next.userId, next.peek("theme"));
console.log((await sessions.open(`${cookie.slice(0, -4)}AAAA`).load()).userId);

next.set("note", "x".repeat(4_000));
await next.save().catch((error) => console.log(error.code));
await sessions.close();

// Prints:
// ann dark
// undefined
// SESSION_TOO_LARGE
