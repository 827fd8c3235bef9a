/** Where blanks and comments end, by PostgreSQL's rules. */

const STAR = 42;
const SLASH = 47;

/** The first index from `from` on that is no blank. */
export function afterBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBlank(text.charCodeAt(at))) at++;
  return at;
}

/** The end of a `--` comment: its line feed or carriage return, or the end of the text. */
export function afterLineComment(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isLineEnd(text.charCodeAt(at))) at++;
  return at;
}

/** What follows the comment that opens at `from`. They nest. -1 when it has no end. */
export function afterBlockComment(text: string, from: number): number {
  let depth = 1;
  for (let at = from + 2; at + 1 < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== STAR && code !== SLASH) continue;
    const next = text.charCodeAt(at + 1);
    if (code === SLASH && next === STAR) {
      depth++;
      at++;
    } else if (code === STAR && next === SLASH) {
      depth--;
      at++;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}

/** Space, tab, line feed, vertical tab, form feed, carriage return; no other is one for PostgreSQL. */
function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

function isLineEnd(code: number): boolean {
  return code === 10 || code === 13;
}
