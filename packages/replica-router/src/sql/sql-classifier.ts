/**
 * Statements by their text, remembered: an application has few texts and sends them often.
 *
 * The least recently used go. Long texts hold literals and do not come again, so they are looked at
 * and forgotten; a text past all measure is not even looked at. What a server has refused as a write
 * stays one, whatever the catalog says.
 */

import { requireCount, requireKnownOptions } from "@headroom/core/options";
import { LRUCache } from "lru-cache";
import { classifySql } from "./classify-sql.ts";
import { staticSqlCatalog } from "./sql-catalog.ts";
import type { SqlCatalog, Statement } from "./statement.ts";

export interface SqlClassifierOptions {
  /** How many texts are remembered. @default 1000 */
  readonly maxEntries?: number;
  /** The longest text that is remembered, in UTF-16 units. @default 8192 */
  readonly maxTextLength?: number;
}

export interface SqlClassifier {
  /** O(length of the text), whether it is known or not. */
  classify(text: string): Statement;
  /** A replica refused it as a write: it is one from now on. Texts too long to remember are not learnt. */
  learnWrite(text: string): void;
  /** What the database has; statements are classified anew with it. */
  useCatalog(catalog: SqlCatalog): void;
  /** `standard_conforming_strings` is off on the server: `\` in plain strings is an escape. */
  useBackslashInStrings(isOn: boolean): void;
}

/** Statements that are longer go to the primary unread. UTF-16 units. */
const LONGEST_READ = 262_144;

const UNREAD: Statement = { kind: "write", reason: "unsure" };

/** @throws TypeError or RangeError when an option is unknown, or no whole number of at least 1. */
export function createSqlClassifier(options: SqlClassifierOptions = {}): SqlClassifier {
  requireKnownOptions("createSqlClassifier", options, ["maxEntries", "maxTextLength"]);
  const max = requireCount("maxEntries", options.maxEntries ?? 1000);
  const maxTextLength = requireCount("maxTextLength", options.maxTextLength ?? 8192);
  const known = new LRUCache<string, Statement>({ max });
  const refused = new LRUCache<string, true>({ max });
  let catalog = staticSqlCatalog;
  let backslashInStrings = false;

  const look = (text: string): Statement => {
    const statement = classifySql(text, catalog, { backslashInStrings });
    if (statement.kind !== "read" || refused.get(text) === undefined) return statement;
    return { kind: "write", reason: "write", hint: statement.hint };
  };

  return {
    classify(text) {
      const remembered = known.get(text);
      if (remembered !== undefined) return remembered;
      if (text.length > LONGEST_READ) return UNREAD;
      const statement = look(text);
      if (text.length <= maxTextLength) known.set(text, statement);
      return statement;
    },
    learnWrite(text) {
      if (text.length > maxTextLength) return;
      refused.set(text, true);
      known.delete(text);
    },
    useCatalog(next) {
      catalog = next;
      known.clear();
    },
    useBackslashInStrings(isOn) {
      if (isOn === backslashInStrings) return;
      backslashInStrings = isOn;
      known.clear();
    },
  };
}
