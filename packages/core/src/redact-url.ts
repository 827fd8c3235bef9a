/**
 * Takes the secrets out of URLs that stand anywhere in a text.
 *
 * Connection strings end up in error messages, and most of those that do are wrong: `URL` cannot
 * parse them, and a part of the password may look like a host, a port or a path. So nothing is
 * parsed here. We look for where credentials could end, and would rather hide a host than show a
 * password. The text is read a fixed number of times, whatever it is.
 *
 * Hidden are
 *
 * - what stands between `//` and the last `@` before the next space. The path of a web URL may well
 *   contain an `@` (`https://registry/@scope/name`), so there it counts only when the part up to
 *   the first `/`, `?` or `#`, the authority, is not a plain list of hosts;
 * - the whole authority when it is no list of hosts and no `@` follows (`redis://:secret`);
 * - the value of every `name=value` whose name sounds like a secret, in a URL or not, also with
 *   spaces round the `=`, as PostgreSQL allows.
 *
 * Not found: a secret in a path, one with a space in it, one that is percent-encoded twice, one in
 * another notation (JSON, an `Authorization:` header), one whose name says nothing (`AccountKey=`),
 * and, in a web URL, one with a bare `/`, `?` or `#` after what reads as a host and a port.
 */

const HIDDEN = "***";

/**
 * `text` with user names, passwords and secret parameters of its URLs replaced by `***`:
 * `"no answer from redis://:hunter2@cache-1:6379/0"` becomes
 * `"no answer from redis://***@cache-1:6379/0"`. Multi-host PostgreSQL URLs keep their hosts.
 * O(length).
 */
export function redactUrl(text: string): string {
  return redactParameters(text.replace(/\S+/g, redactCredentials));
}

function redactCredentials(word: string): string {
  const lastAt = word.lastIndexOf("@");
  let redacted = "";
  let done = 0;
  for (;;) {
    const slashes = word.indexOf("//", done);
    if (slashes < 0) return redacted + word.slice(done);
    const start = slashes + 2;
    const end = endOfCredentials(word, start, lastAt);
    redacted += word.slice(done, start) + (end > start ? HIDDEN : "");
    done = end;
  }
}

/** Where that ends which must not be seen; `start` when there is nothing. */
function endOfCredentials(word: string, start: number, lastAt: number): number {
  const end = endOf(/[/?#]/g, word, start);
  const plain = listsHosts(word.slice(start, end));
  if (lastAt >= start && !(plain && isWeb(word, start))) return lastAt;
  return plain ? start : end;
}

/** Any other scheme is that of a server, in whose URLs an `@` only ends the credentials. */
function isWeb(word: string, start: number): boolean {
  const scheme = /([a-z0-9+.-]+):$/i.exec(word.slice(Math.max(0, start - 16), start - 2))?.[1];
  return scheme === undefined || /^(https?|wss?|file)$/i.test(scheme);
}

function listsHosts(authority: string): boolean {
  let end = authority.length;
  while (end > 0 && `"'\`.,;:)}>`.includes(authority.charAt(end - 1))) end--; // of the sentence
  const hosts = authority.slice(0, end).split(",");
  return (
    authority === "" || hosts.every((host) => /^(\[[^\]]*\]|[^:@[\]]+)(:\d{1,5})?$/.test(host))
  );
}

function redactParameters(text: string): string {
  let redacted = "";
  let done = 0;
  let equals = text.indexOf("=");
  while (equals >= 0) {
    const valueStart = endOf(/[^ \t]/g, text, equals + 1);
    const name = nameBefore(text, equals);
    // Google's API key is `?key=`; as the name of a field it mostly is no secret.
    if (soundsSecret(name) || name.toLowerCase() === "key") {
      redacted += text.slice(done, valueStart) + HIDDEN;
      done = endOfValue(text, valueStart);
    }
    equals = text.indexOf("=", Math.max(done, valueStart));
  }
  return redacted + text.slice(done);
}

function nameBefore(text: string, equals: number): string {
  let end = equals;
  while (end > 0 && /[ \t]/.test(text.charAt(end - 1))) end--;
  let start = end;
  while (start > 0 && /[\w.%[\]-]/.test(text.charAt(start - 1))) start--;
  return text.slice(start, end);
}

function endOfValue(text: string, start: number): number {
  const quote = text.charAt(start);
  const quoted = quote === '"' || quote === "'";
  const closing = quoted ? endOf(new RegExp(quote, "g"), text, start + 1) : start;
  return endOf(/[&\s]/g, text, closing);
}

/** Whether a field of this name is likely to hold a secret, whatever its spelling. */
export function soundsSecret(name: string): boolean {
  const letters = name.toLowerCase().replace(/[^a-z0-9]/g, "");
  return (
    /pass|pwd|secret|token|apikey|accesskey|privatekey|credential|signature/.test(letters) ||
    /^(auth|authorization|jwt|otp|pw|session|sessionid|sid|sig)$/.test(letters)
  );
}

/** The position of the first match from `start` on, or the end of the text. */
function endOf(delimiter: RegExp, text: string, start: number): number {
  delimiter.lastIndex = start;
  return delimiter.exec(text)?.index ?? text.length;
}
