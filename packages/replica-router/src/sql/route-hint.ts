/**
 * A statement's own word on where it wants to run: `/* route:primary *\/ select …`.
 *
 * Only a comment before the first token that says nothing else is one; what is inside a literal, or
 * in a later comment, has no effect. Anything else than the two known words is ignored. Where
 * comments contradict each other the primary wins: it is never wrong, only busier.
 */

import { afterBlanks, afterBlockComment, afterLineComment } from "./comments.ts";
import type { RouteHint } from "./statement.ts";

const PREFIX = "route:";

export function routeHint(text: string): RouteHint | undefined {
  let hint: RouteHint | undefined;
  let at = afterBlanks(text, 0);
  const first = text.charCodeAt(at);
  // Neither `-` nor `/`: almost every statement.
  if (first !== 45 && first !== 47) return undefined;
  for (;;) {
    let said: string;
    if (text.startsWith("--", at)) {
      const end = afterLineComment(text, at);
      said = text.slice(at + 2, end);
      at = end;
    } else if (text.startsWith("/*", at)) {
      const end = afterBlockComment(text, at);
      if (end === -1) return undefined;
      said = text.slice(at + 2, end - 2);
      at = end;
    } else {
      return hint;
    }
    if (hint !== "primary") hint = hintOf(said) ?? hint;
    at = afterBlanks(text, at);
  }
}

function hintOf(comment: string): RouteHint | undefined {
  const said = comment.trim();
  if (!said.startsWith(PREFIX)) return undefined;
  const route = said.slice(PREFIX.length).trim();
  return route === "primary" || route === "replica" ? route : undefined;
}
