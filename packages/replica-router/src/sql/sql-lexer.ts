/**
 * PostgreSQL's tokens, as far as they matter for where a statement may run.
 *
 * One pass, no backtracking and no regular expressions, so that the time is linear in the length of
 * any input. Blanks and comments are skipped; literals are stepped over, their contents are never
 * looked at. What a name is called after PostgreSQL folded, unquoted and cut it, is `name`; its `hash`
 * comes without cutting it out of the text.
 *
 * The one thing that must not happen is to see a literal or a comment where the server sees code.
 * Where the text alone does not settle that, `isUnsure` says so: a literal without end, a number that
 * runs into a word, which old servers split and new ones refuse, `U&"…"` with its escapes, and
 * backslashes on a server where `standard_conforming_strings` is off.
 */

import { afterBlanks, afterBlockComment, afterLineComment } from "./comments.ts";
import { EMPTY_HASH, extendedHash, hashOf } from "./name-filter.ts";
import { unitsOf } from "./text-units.ts";

export type Token = number;
/** Also where the rest of the text is a literal or comment without end. */
export const END: Token = 0;
/** An identifier or keyword without quotes; `name` is it in lower case. */
export const WORD: Token = 1;
/** An identifier in quotes; `name` is it without them. */
export const QUOTED: Token = 2;
/** A string, number or parameter. */
export const LITERAL: Token = 3;
export const OPEN: Token = 4;
export const CLOSE: Token = 5;
export const SEMICOLON: Token = 6;
export const DOT: Token = 7;
/** Operators, commas, brackets. */
export const OTHER: Token = 8;

// What a character may begin. The first four may also go on a word.
const LOWER = 0;
const UPPER = 1;
const DIGIT = 2;
const DOLLAR = 3;
const BLANK = 4;
const QUOTE = 5;
const DOUBLE_QUOTE = 6;
const MINUS = 7;
const SLASH = 8;
const PERIOD = 9;
const PARENTHESIS_OPEN = 10;
const PARENTHESIS_CLOSE = 11;
const SEMI = 12;
const SYMBOL = 13;
/** PostgreSQL knows no token that it could begin. */
const STRANGE = 14;

const CLASSES = new Uint8Array(128).fill(STRANGE);
/** What a character is in a word, in lower case; 0 where it ends the word. */
const FOLDED = new Uint8Array(128);
const classify = (characters: string, kind: number): void => {
  for (const character of characters) {
    const code = character.charCodeAt(0);
    CLASSES[code] = kind;
    if (kind <= DOLLAR) FOLDED[code] = character.toLowerCase().charCodeAt(0);
  }
};
classify("abcdefghijklmnopqrstuvwxyz_", LOWER);
classify("ABCDEFGHIJKLMNOPQRSTUVWXYZ", UPPER);
classify("0123456789", DIGIT);
classify("$", DOLLAR);
classify(" \t\n\v\f\r", BLANK);
classify("'", QUOTE);
classify('"', DOUBLE_QUOTE);
classify("-", MINUS);
classify("/", SLASH);
classify(".", PERIOD);
classify("(", PARENTHESIS_OPEN);
classify(")", PARENTHESIS_CLOSE);
classify(";", SEMI);
classify("~!@#^&|`?+*%<>=,[]:", SYMBOL);

/** Longer names are cut by PostgreSQL (NAMEDATALEN - 1). */
const LONGEST_NAME_BYTES = 63;
/** A UTF-16 unit takes at most three bytes. */
const NEVER_TOO_LONG = LONGEST_NAME_BYTES / 3;

/** One at a time: the next one's text takes the place of this one's. */
export class SqlLexer {
  /** `hashOf(name)` of the last token, when it was a WORD or QUOTED. */
  hash = 0;
  /** The server may see other tokens than these. */
  isUnsure: boolean;

  readonly #text: string;
  readonly #units: Uint16Array;
  #at = 0;
  /** Of the last WORD or QUOTED: what is cut out when somebody wants to know. */
  #start = 0;
  #end = 0;
  #isFolded = true;
  /** The name itself, where it is not simply cut out. */
  #special: string | undefined;

  /** @param backslashInStrings whether the server takes `\` in plain strings as an escape. */
  constructor(text: string, backslashInStrings: boolean) {
    this.#text = text;
    this.#units = unitsOf(text);
    this.isUnsure = backslashInStrings && text.includes("\\");
  }

  /** Of the last token, when it was a WORD or QUOTED. */
  get name(): string {
    if (this.#special !== undefined) return this.#special;
    const word = this.#text.slice(this.#start, this.#end);
    return this.#isFolded ? word : word.toLowerCase();
  }

  next(): Token {
    const text = this.#text;
    const units = this.#units;
    for (let at = this.#at; at < text.length; ) {
      switch (classOf(units[at])) {
        case BLANK:
          at++;
          continue;
        case LOWER:
        case UPPER:
          return this.#word(at);
        case DIGIT:
          return this.#number(at);
        case DOLLAR:
          return this.#dollar(at);
        case QUOTE:
          return this.#string(at);
        case DOUBLE_QUOTE:
          return this.#quoted(at);
        case MINUS:
          if (units[at + 1] !== 45) return this.#single(at, OTHER);
          at = afterLineComment(text, at);
          continue;
        case SLASH:
          if (units[at + 1] !== 42) return this.#single(at, OTHER);
          at = afterBlockComment(text, at);
          if (at === -1) return this.#withoutEnd();
          continue;
        case PERIOD:
          if (classOf(units[at + 1]) === DIGIT) return this.#number(at);
          return this.#single(at, DOT);
        case PARENTHESIS_OPEN:
          return this.#single(at, OPEN);
        case PARENTHESIS_CLOSE:
          return this.#single(at, CLOSE);
        case SEMI:
          return this.#single(at, SEMICOLON);
        case SYMBOL:
          return this.#single(at, OTHER);
        default:
          this.isUnsure = true;
          return this.#single(at, OTHER);
      }
    }
    this.#at = text.length;
    return END;
  }

  #single(at: number, token: Token): Token {
    this.#at = at + 1;
    return token;
  }

  #withoutEnd(): Token {
    this.isUnsure = true;
    this.#at = this.#text.length;
    return END;
  }

  #word(start: number): Token {
    const text = this.#text;
    const units = this.#units;
    let at = start;
    let hash = EMPTY_HASH;
    let unfolded = 0;
    let isForeign = false;
    for (; at < text.length; at++) {
      const code = units[at] ?? 0;
      if (code > 127) {
        isForeign = true;
        continue;
      }
      const folded = FOLDED[code] as number;
      if (folded === 0) break;
      unfolded |= folded ^ code;
      hash = extendedHash(hash, folded);
    }
    if (at === start + 1) {
      const first = (units[start] ?? 0) | 32;
      if (first === 101 && units[at] === 39) return this.#escapeString(at);
      // U&'…' and U&"…": the quotes are as ever, what is between them is not.
      if (first === 117 && units[at] === 38 && isQuote(units[at + 1])) {
        this.isUnsure = true;
      }
    }
    this.#at = at;
    this.#start = start;
    this.#end = at;
    this.#isFolded = unfolded === 0;
    this.hash = hash;
    this.#special = undefined;
    if (isForeign || at - start > LONGEST_NAME_BYTES) this.#specialWord(text.slice(start, at));
    return WORD;
  }

  #specialWord(word: string): void {
    const folded = foldedAscii(word);
    // Other letters are folded in single-byte encodings alone: the text does not tell which this is.
    if (folded !== folded.toLowerCase()) this.isUnsure = true;
    this.#specialName(folded);
  }

  #specialName(name: string): void {
    this.#special = name;
    if (name.length > NEVER_TOO_LONG) {
      const bytes = Buffer.byteLength(name);
      if (bytes > LONGEST_NAME_BYTES) {
        this.#special = name.slice(0, LONGEST_NAME_BYTES);
        // In the middle of a character the server's encoding decides where.
        if (bytes !== name.length) this.isUnsure = true;
      }
    }
    this.hash = hashOf(this.#special);
  }

  #quoted(start: number): Token {
    const text = this.#text;
    const units = this.#units;
    let hasQuotes = false;
    for (let from = start + 1; ; from += 2) {
      const end = text.indexOf('"', from);
      if (end === -1) return this.#withoutEnd();
      if (units[end + 1] !== 34) {
        const inside = text.slice(start + 1, end);
        this.#specialName(hasQuotes ? inside.replaceAll('""', '"') : inside);
        return this.#single(end, QUOTED);
      }
      hasQuotes = true;
      from = end;
    }
  }

  #string(start: number): Token {
    const text = this.#text;
    const units = this.#units;
    for (let from = start + 1; ; from += 2) {
      const end = text.indexOf("'", from);
      if (end === -1) return this.#withoutEnd();
      if (units[end + 1] !== 39) return this.#single(end, LITERAL);
      from = end;
    }
  }

  /** E'…', from its quote on. */
  #escapeString(start: number): Token {
    const text = this.#text;
    const units = this.#units;
    for (let at = start + 1; at < text.length; at++) {
      const code = units[at];
      if (code === 92) {
        at++;
      } else if (code === 39) {
        if (units[at + 1] !== 39) return this.#endOfEscapeString(at + 1);
        at++;
      }
    }
    return this.#withoutEnd();
  }

  /** A string on the next line goes on with this one, and with its escapes. */
  #endOfEscapeString(end: number): Token {
    const text = this.#text;
    const units = this.#units;
    this.#at = end;
    let at = afterBlanks(text, end);
    while (text.startsWith("--", at)) at = afterBlanks(text, afterLineComment(text, at));
    if (units[at] === 39) this.isUnsure = true;
    return LITERAL;
  }

  #number(start: number): Token {
    const text = this.#text;
    const units = this.#units;
    let at = afterDigits(units, start);
    if (at === start + 1 && units[start] === 48 && isRadix(units[at])) {
      while (classOf(units[at]) <= DIGIT) at++;
      return this.#unlessRunOn(at);
    }
    if (((units[at] ?? 0) | 32) === 101) {
      const sign = text.charAt(at + 1);
      const digits = sign === "+" || sign === "-" ? at + 2 : at + 1;
      if (classOf(units[digits]) === DIGIT) at = afterDigits(units, digits);
    }
    return this.#unlessRunOn(at);
  }

  /** A parameter, or a string in dollar quotes. */
  #dollar(start: number): Token {
    const text = this.#text;
    const units = this.#units;
    let at = start + 1;
    if (classOf(units[at]) === DIGIT) {
      while (classOf(units[at]) === DIGIT) at++;
      return this.#unlessRunOn(at);
    }
    while (classOf(units[at]) <= DIGIT) at++;
    const tag = text.slice(start, at + 1);
    // No sane tag is longer; searching for one that is could take more than linear time.
    if (units[at] !== 36 || tag.length > LONGEST_NAME_BYTES) {
      this.isUnsure = true;
      return this.#single(start, OTHER);
    }
    const end = text.indexOf(tag, at + 1);
    if (end === -1) return this.#withoutEnd();
    return this.#single(end + tag.length - 1, LITERAL);
  }

  #unlessRunOn(end: number): Token {
    if (classOf(this.#units[end]) <= DOLLAR) this.isUnsure = true;
    return this.#single(end - 1, LITERAL);
  }
}

/** All that is not ASCII is a letter to PostgreSQL. */
function classOf(code = 0): number {
  return code > 127 ? LOWER : (CLASSES[code] ?? STRANGE);
}

/** The letter of 0x, 0o and 0b. */
function isRadix(code = 0): boolean {
  const lower = code | 32;
  return lower === 120 || lower === 111 || lower === 98;
}

function isQuote(code?: number): boolean {
  return code === 39 || code === 34;
}

/** Digits with their points and underscores: more than a number can have, never less. */
function afterDigits(units: Uint16Array, from: number): number {
  let at = from;
  for (;;) {
    const code = units[at] ?? 0;
    if (!((code >= 48 && code <= 57) || code === 46 || code === 95)) return at;
    at++;
  }
}

function foldedAscii(word: string): string {
  let folded = "";
  for (const character of word) {
    folded += character >= "A" && character <= "Z" ? character.toLowerCase() : character;
  }
  return folded;
}
