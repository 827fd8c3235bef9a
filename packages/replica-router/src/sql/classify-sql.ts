/**
 * What a text may do, told from its tokens alone.
 *
 * No grammar: a statement is a read when it begins as one and nothing in it, at any depth, is a word
 * that writes or locks, the call of a function that may write, or a name that must not be read on a
 * replica. Whatever else there is, is a read's business. So the answer errs to one side: a column
 * called `update` after a parenthesis costs a visit to the primary, but no text that PostgreSQL takes
 * as a write is called a read. What a text does not show stays unknown: a function that is declared
 * stable and yet writes, or a volatile one behind an operator, a cast, a policy or a column's default.
 * The replica refuses those that write (25006).
 */

import { NameFilter } from "./name-filter.ts";
import { routeHint } from "./route-hint.ts";
import {
  CLOSE,
  DOT,
  END,
  OPEN,
  QUOTED,
  SEMICOLON,
  SqlLexer,
  type Token,
  WORD,
} from "./sql-lexer.ts";
import { BODY_WORDS, type BodyWord, HEADS, OF_TRANSACTION } from "./sql-words.ts";
import type { SqlCatalog, Statement } from "./statement.ts";
import { SESSION_FUNCTIONS } from "./volatile-functions.ts";

export interface ClassifyOptions {
  /** Plain strings have escapes: `standard_conforming_strings` is off. @default false */
  readonly backslashInStrings?: boolean;
}

/** Whatever number it has in this session. */
const TEMPORARY_SCHEMA = "pg_temp";

const READ: Statement = { kind: "read" };
const SESSION: Statement = { kind: "session" };
const WRITE: Statement = { kind: "write", reason: "write" };
const UNSURE: Statement = { kind: "write", reason: "unsure" };

/** O(length of the text), whatever the text. */
export function classifySql(
  text: string,
  catalog: SqlCatalog,
  options: ClassifyOptions = {},
): Statement {
  const { backslashInStrings = false } = options;
  const hint = routeHint(text);
  const statement = new SqlReading(new SqlLexer(text, backslashInStrings), catalog).statement();
  return hint === undefined ? statement : { ...statement, hint };
}

const filters = new WeakMap<SqlCatalog, NameFilter>();

/** Of all names that have a meaning here. A catalog is not changed once it is in use. */
function filterOf(catalog: SqlCatalog): NameFilter {
  let filter = filters.get(catalog);
  if (filter === undefined) {
    const { volatileFunctions, primaryRelations } = catalog;
    const own = [BODY_WORDS.keys(), SESSION_FUNCTIONS, [TEMPORARY_SCHEMA]];
    filter = new NameFilter([...own, volatileFunctions, primaryRelations]);
    filters.set(catalog, filter);
  }
  return filter;
}

class SqlReading {
  readonly #lexer: SqlLexer;
  readonly #catalog: SqlCatalog;
  readonly #filter: NameFilter;
  #statements = 0;
  #isUnsure = false;
  #writes = false;
  #leavesSession = false;
  #namesTemporary = false;
  #volatile: string | undefined;
  #begins = false;
  #readOnly: boolean | undefined;

  constructor(lexer: SqlLexer, catalog: SqlCatalog) {
    this.#lexer = lexer;
    this.#catalog = catalog;
    this.#filter = filterOf(catalog);
  }

  statement(): Statement {
    for (let token = this.#lexer.next(); token !== END; token = this.#lexer.next()) {
      if (token === SEMICOLON) continue;
      this.#statements++;
      if (this.#one(token) === END) break;
    }
    const isOne = this.#statements === 1;
    if (this.#leavesSession || (this.#namesTemporary && this.#writes)) return SESSION;
    // It may leave its transaction open.
    if (this.#begins && !isOne) return SESSION;
    if (this.#writes) return WRITE;
    if (this.#volatile !== undefined) {
      return { kind: "write", reason: "volatile", name: this.#volatile };
    }
    if (!isOne || this.#isUnsure || this.#lexer.isUnsure) return UNSURE;
    return this.#begins ? { kind: "begin", readOnly: this.#readOnly } : READ;
  }

  /** Reads a statement from its first token on. The result is the token that ends it. */
  #one(first: Token, isExplained = false): Token {
    const lexer = this.#lexer;
    let token = first;
    while (token === OPEN) token = lexer.next();
    if (token !== WORD) {
      this.#isUnsure = true;
      return this.#body(token);
    }
    switch (HEADS.get(lexer.name)) {
      case "query":
        return this.#body(lexer.next());
      case "explain":
        if (isExplained) break;
        return this.#explain();
      case "begin":
        return this.#begin();
      case "session":
        this.#leavesSession = true;
        return this.#body(lexer.next());
      case "set":
      case "prepare":
        token = lexer.next();
        if (token === WORD && OF_TRANSACTION.has(lexer.name)) this.#writes = true;
        else this.#leavesSession = true;
        return this.#body(token);
      case "create":
        this.#writes = true;
        // CREATE TEMPORARY and INTO TEMPORARY alike.
        return this.#body(lexer.next(), "into");
    }
    this.#writes = true;
    return this.#body(lexer.next());
  }

  /**
   * EXPLAIN is what it explains, also without ANALYZE: a replica would explain a write, with its own
   * statistics, and nobody would know.
   */
  #explain(): Token {
    const lexer = this.#lexer;
    let token = lexer.next();
    if (token !== OPEN) {
      while (token === WORD && EXPLAIN_WORDS.has(lexer.name)) token = lexer.next();
      return this.#one(token, true);
    }
    token = lexer.next();
    // A query in parentheses, or options in parentheses before a statement.
    if (token === OPEN || (token === WORD && HEADS.get(lexer.name) === "query")) {
      return this.#one(token, true);
    }
    while (token !== CLOSE && token !== END) token = lexer.next();
    return this.#one(lexer.next(), true);
  }

  #begin(): Token {
    const lexer = this.#lexer;
    this.#begins = true;
    let isSerializable = false;
    let previous = "";
    let token = lexer.next();
    for (; token !== END && token !== SEMICOLON; token = lexer.next()) {
      const name = token === WORD ? lexer.name : "";
      if (previous === "read" && name === "only") this.#readOnly = true;
      if (previous === "read" && name === "write") this.#readOnly = false;
      if (name === "serializable") isSerializable = true;
      previous = name;
    }
    // No replica can do it, not even to read.
    if (isSerializable) this.#readOnly = false;
    return token;
  }

  #body(first: Token, start?: BodyWord): Token {
    const lexer = this.#lexer;
    let previous: BodyWord | "." | undefined = start;
    /** The name directly before, if it is one that matters: a parenthesis would call it. */
    let name: string | undefined;
    let token = first;
    for (; token !== END && token !== SEMICOLON; token = lexer.next()) {
      if (token === WORD || token === QUOTED) {
        // A column after a point and a label after AS are names, not keywords.
        const mayBeKeyword: boolean = token === WORD && previous !== "." && previous !== "as";
        const before = previous;
        previous = undefined;
        name = undefined;
        if (!this.#filter.mayHave(lexer.hash)) continue;
        name = lexer.name;
        this.#meet(name);
        if (mayBeKeyword) previous = this.#keyword(BODY_WORDS.get(name), before);
      } else {
        if (token === OPEN && name !== undefined) this.#call(name);
        name = undefined;
        previous = token === DOT ? "." : undefined;
      }
    }
    return token;
  }

  /** What the next word has before it. */
  #keyword(word: BodyWord | undefined, previous: BodyWord | "." | undefined): BodyWord | undefined {
    switch (word) {
      case "dml":
      case "into":
        this.#writes = true;
        return word;
      case "strength":
        if (previous === "for") this.#writes = true;
        return word;
      case "temporary":
        if (previous === "into") this.#leavesSession = true;
        return word;
      case "between":
        return previous === "into" ? "into" : undefined;
      default:
        return word;
    }
  }

  #meet(name: string): void {
    if (name === TEMPORARY_SCHEMA) {
      this.#namesTemporary = true;
      this.#volatile ??= name;
    }
    if (this.#catalog.primaryRelations.has(name)) this.#volatile ??= name;
  }

  #call(name: string): void {
    if (SESSION_FUNCTIONS.has(name)) this.#leavesSession = true;
    if (this.#catalog.volatileFunctions.has(name)) this.#volatile ??= name;
  }
}

const EXPLAIN_WORDS: ReadonlySet<string> = new Set(["analyze", "analyse", "verbose"]);
