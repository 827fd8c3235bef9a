import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { redactUrl, soundsSecret } from "./redact-url.ts";

describe("credentials", () => {
  test.each([
    ["postgres://app:hunter2@db-1:5432/shop", "postgres://***@db-1:5432/shop"],
    ["redis://:hunter2@cache-1:6379/0", "redis://***@cache-1:6379/0"],
    ["postgres://u:p@db-1:5432,db-2:5433/shop", "postgres://***@db-1:5432,db-2:5433/shop"],
    ["mongodb+srv://u:p@cluster.example/db", "mongodb+srv://***@cluster.example/db"],
    ["https://ghp_token@github.com/a/b", "https://***@github.com/a/b"],
    ["HTTPS://u:p@Host/", "HTTPS://***@Host/"],
    ["//u:p@host/path", "//***@host/path"],
    ["amqp://u:p@[::1]:5672/vhost", "amqp://***@[::1]:5672/vhost"],
  ])("of a sound URL are hidden: %s", (text, redacted) => {
    expect(redactUrl(text)).toBe(redacted);
  });

  test.each([
    ["an @ in the password", "postgres://u:p@ss@db/shop", "postgres://***@db/shop"],
    ["a / in the password", "postgres://u:p/ss@db/shop", "postgres://***@db/shop"],
    ["digits and a / in it", "redis://u:12/34@cache:6379", "redis://***@cache:6379"],
    ["a ? in it", "redis://:pa?ss@cache:6379", "redis://***@cache:6379"],
    ["a # in it", "redis://:pa#ss@cache:6379", "redis://***@cache:6379"],
    ["a quote in it", `redis://:pa"'ss@cache:6379`, "redis://***@cache:6379"],
    ["a broken escape in it", "redis://:100%zz@cache:6379", "redis://***@cache:6379"],
    ["a port that is none", "redis://:secret@cache:port", "redis://***@cache:port"],
    ["no host", "redis://:secret", "redis://***"],
    ["no host and a password of digits", "redis://:1234", "redis://***"],
    ["no host, on the web", "https://user:secret/x", "https://***/x"],
    ["a / in a web password", "https://u:p/ss@host/x", "https://***@host/x"],
    ["two URLs in one word", "redis://:a@h1,redis://:b@h2", "redis://***@h2"],
  ])("of a URL that cannot be parsed are hidden: %s", (_what, text, redacted) => {
    expect(redactUrl(text)).toBe(redacted);
  });

  test("are hidden wherever the URL stands in a text", () => {
    const text = "first (redis://:one@h1) then 'https://two:2@h2/x', then\n\tamqp://three:3@h3.";
    expect(redactUrl(text)).toBe(
      "first (redis://***@h1) then 'https://***@h2/x', then\n\tamqp://***@h3.",
    );
  });
});

describe("what is no secret stays readable", () => {
  test.each([
    "connect ECONNREFUSED 127.0.0.1:6379",
    "redis://cache-1:6379 did not answer",
    "no answer from redis://cache-1:6379, (redis://cache-2:6379) or 'redis://cache-3:6379'.",
    "postgres://db-1:5432,db-2:5432/shop?target_session_attrs=read-write&sslmode=require",
    "postgres:///shop",
    "https://packages.example/@headroom/core/-/core-1.0.0.tgz",
    "http://localhost:8080/img@2x.png?author=ann&page=2",
    "file:///srv/app/.store/pg@8.0.0/index.js",
    "mail ann@example.com // she knows",
    "a // b = c",
    "",
  ])("%s", (text) => {
    expect(redactUrl(text)).toBe(text);
  });
});

describe("parameters", () => {
  test.each([
    ["https://h/?token=abc&page=2", "https://h/?token=***&page=2"],
    ["https://h/cb#access_token=abc&state=1", "https://h/cb#access_token=***&state=1"],
    [
      "https://s3/x?X-Amz-Signature=ab&X-Amz-Date=1",
      "https://s3/x?X-Amz-Signature=***&X-Amz-Date=1",
    ],
    ["postgres://h/db?user=u&password=p&ssl=1", "postgres://h/db?user=u&password=***&ssl=1"],
    ["/webhook?api-key=abc", "/webhook?api-key=***"],
    ["host=db password=hunter2 user=app", "host=db password=*** user=app"],
    ["host=db password='two words' user=app", "host=db password=*** user=app"],
    ["password='never closed", "password=***"],
    ["host = db password = hunter2 user = app", "host = db password = *** user = app"],
    ["password\t=  'two words' user=app", "password\t=  *** user=app"],
    ["https://maps/?key=abc&page=2", "https://maps/?key=***&page=2"],
    ["?token=a=b==&x=1", "?token=***&x=1"],
    ["?options[password]=x", "?options[password]=***"],
  ])("that sound like secrets are hidden: %s", (text, redacted) => {
    expect(redactUrl(text)).toBe(redacted);
  });

  test("sound like secrets in any spelling", () => {
    for (const name of ["API_KEY", "apiKey", "x-api-key", "sslpassword", "Sig", "client_secret"]) {
      expect(soundsSecret(name), name).toBe(true);
    }
    for (const name of ["page", "author", "monkey", "key", "keys", "sslmode", "code"]) {
      expect(soundsSecret(name), name).toBe(false);
    }
  });
});

describe("whatever the text", () => {
  const canary = "c4n4ry";
  const word = fc.string({ unit: fc.constantFrom(..."abc019:/?#@%&=.,;'\"[]{}\\~!+-_") });
  const text = fc.string({
    unit: fc.constantFrom(..."ab1:/?#@&=,. '\"\n", "//", "://", "password="),
  });

  test("no password of a server's URL is left", () => {
    const scheme = fc.constantFrom("redis", "rediss", "postgres", "postgresql", "amqp", "nats");
    fc.assert(
      fc.property(text, scheme, word, word, text, (before, name, head, tail, after) => {
        const url = `${name}://app:${head}${canary}${tail}@db-1:5432/x`;
        expect(redactUrl(`${before} ${url}${after}`)).not.toContain(canary);
      }),
      { numRuns: 2_000 },
    );
  });

  test("no password of a web URL is left, if it has no bare delimiter", () => {
    const bare = word.filter((part) => !/[/?#]/.test(part));
    fc.assert(
      fc.property(text, bare, bare, text, (before, head, tail, after) => {
        const url = `https://app:${head}${canary}${tail}@host/@scope`;
        expect(redactUrl(`${before} ${url}${after}`)).not.toContain(canary);
      }),
      { numRuns: 2_000 },
    );
  });

  test("no secret parameter is left", () => {
    fc.assert(
      fc.property(
        text,
        fc.constantFrom("password", "token", "sig"),
        text,
        (before, name, after) => {
          const url = `https://host/path?${name}=${canary}`;
          expect(redactUrl(`${before} ${url}${after}`)).not.toContain(canary);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("what has been redacted stays as it is", () => {
    fc.assert(
      fc.property(text, (some) => {
        expect(redactUrl(redactUrl(some))).toBe(redactUrl(some));
      }),
      { numRuns: 2_000 },
    );
  });

  // Ten times the text may cost ten times as long; twenty forgives a busy machine, and a quadratic
  // scan would take a hundred.
  test.each([
    "/",
    "//",
    "://",
    "@",
    "//@",
    "a://",
    "=",
    "password=",
    "password='",
    "password = ",
    " = ",
    "x//a:b,",
    "[",
    "a",
    "//a:b@ ",
    ")",
  ])("it is redacted in linear time: %s repeated", (piece) => {
    const timeOf = (length: number): number => {
      const some = `redis://${piece.repeat(Math.ceil(length / piece.length))}`;
      const rounds = Array.from({ length: 5 }, () => {
        const startMs = performance.now();
        redactUrl(some);
        return performance.now() - startMs;
      });
      return Math.min(...rounds);
    };
    timeOf(20_000);
    // Ten times the text takes 10 times as long; were it quadratic, 100 times.
    expect(timeOf(400_000) / Math.max(timeOf(40_000), 0.5)).toBeLessThan(40);
  });
});
