/**
 * Which messages are too ambiguous to be passed on.
 *
 * A proxy and the server behind it must agree where a request ends and whom it is for. Where the
 * headers say it twice, two programs may each believe the other one: that is request smuggling
 * (`Content-Length` against `Transfer-Encoding`) and cache poisoning (two `Host`). RFC 9112 allows or
 * demands to refuse such a message, and nobody sends one by mistake. Node's parser refuses most of
 * this itself; it does not refuse two `Host`, unknown transfer codings or a malformed `Host`, its
 * checks can be switched off (`insecureHTTPParser`), and not every caller comes from it.
 *
 * Node cuts a list of more than 2,000 headers short without a word (`server.maxHeadersCount`); hence
 * a limit of our own that answers.
 *
 * Sources: RFC 9112 §3.2, §6.1, §6.3; RFC 9110 §5.5, §7.2, §8.6; RFC 6585 §5 (431).
 */

import { requireCount, requireKnownOptions } from "@headroom/core/options";
import { isHost } from "./host-header.ts";
import { type RawHeaders, textOf } from "./raw-headers.ts";
import type { Refusal } from "./refusal.ts";

export interface HeaderLimits {
  /** How many headers a request may have. */
  readonly maxHeaders: number;
  /** How large names and values may be together, four bytes a line for `: ` and the line break. */
  readonly maxHeaderBytes: number;
}

export interface HeaderLimitOptions {
  /** @default 100 */
  readonly maxHeaders?: number | undefined;
  /** @default 16_384, as Node's own `--max-http-header-size` */
  readonly maxHeaderBytes?: number | undefined;
}

/** @throws TypeError or RangeError when an option is unknown or no whole number above 0. */
export function headerLimits(options: HeaderLimitOptions = {}): HeaderLimits {
  requireKnownOptions("header limits", options, ["maxHeaders", "maxHeaderBytes"]);
  const { maxHeaders = 100, maxHeaderBytes = 16_384 } = options;
  return {
    maxHeaders: requireCount("maxHeaders", maxHeaders),
    maxHeaderBytes: requireCount("maxHeaderBytes", maxHeaderBytes),
  };
}

export const DEFAULT_HEADER_LIMITS: HeaderLimits = headerLimits();

const HOST_MISSING = badRequest("host-missing", "the Host header is missing");
const HOST_REPEATED = badRequest("host-repeated", "there is more than one Host header");
const HOST_INVALID = badRequest("host-invalid", "the Host header is no host name and port");
const LENGTH_REPEATED = badRequest("length-repeated", "there is more than one Content-Length");
const LENGTH_INVALID = badRequest("length-invalid", "the Content-Length is no whole number");
const LENGTH_AND_CHUNKED = badRequest(
  "length-and-chunked",
  "there are both Content-Length and Transfer-Encoding",
);
const TRANSFER_CODING: Refusal = {
  reason: "transfer-coding",
  statusCode: 501,
  message: "of transfer codings only chunked, once and over HTTP/1.1, is understood",
};
const TOO_MANY: Refusal = {
  reason: "too-many-headers",
  statusCode: 431,
  message: "there are more headers than maxHeaders",
};
const TOO_LARGE: Refusal = {
  reason: "headers-too-large",
  statusCode: 431,
  message: "the headers are larger than maxHeaderBytes",
};
const ANSWER_HEADER: Refusal = {
  reason: "answer-header",
  statusCode: 502,
  message: "a header of the answer has a character that is not allowed",
};
const ANSWER_CODING: Refusal = {
  reason: "transfer-coding",
  statusCode: 502,
  message: "the answer has a transfer coding other than chunked",
};

function badRequest(reason: Refusal["reason"], message: string): Refusal {
  return { reason, statusCode: 400, message };
}

/**
 * Why a request with these headers is not passed on; `undefined` if it may be. O(headers).
 *
 * @param httpVersionMinor of `request`: 1 for HTTP/1.1. HTTP/1.0 may come without a `Host`.
 */
export function refuseRequestHeaders(
  raw: readonly string[],
  httpVersionMinor: number,
  limits: HeaderLimits = DEFAULT_HEADER_LIMITS,
): Refusal | undefined {
  if (raw.length > limits.maxHeaders * 2) return TOO_MANY;
  let bytes = 0;
  let host: string | undefined;
  let length: string | undefined;
  let coding: string | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    bytes += name.length + value.length + 4;
    switch (name.length) {
      case 4:
        if (name.toLowerCase() !== "host") break;
        if (host !== undefined) return HOST_REPEATED;
        host = value;
        break;
      case 14:
        if (name.toLowerCase() !== "content-length") break;
        if (length !== undefined) return LENGTH_REPEATED;
        length = value;
        break;
      case 17:
        if (name.toLowerCase() !== "transfer-encoding") break;
        if (coding !== undefined) return TRANSFER_CODING;
        coding = value;
    }
  }
  if (bytes > limits.maxHeaderBytes) return TOO_LARGE;
  return refuseHost(host, httpVersionMinor) ?? refuseFraming(length, coding, httpVersionMinor);
}

function refuseHost(host: string | undefined, httpVersionMinor: number): Refusal | undefined {
  if (host === undefined) return httpVersionMinor === 0 ? undefined : HOST_MISSING;
  return isHost(host) ? undefined : HOST_INVALID;
}

function refuseFraming(
  length: string | undefined,
  coding: string | undefined,
  httpVersionMinor: number,
): Refusal | undefined {
  if (length !== undefined && coding !== undefined) return LENGTH_AND_CHUNKED;
  if (length !== undefined) return isLength(length) ? undefined : LENGTH_INVALID;
  if (coding === undefined) return undefined;
  return httpVersionMinor > 0 && isChunked(coding) ? undefined : TRANSFER_CODING;
}

/** A value of `Transfer-Encoding`. `" chunked"` and `"xchunked"` are the classics of smuggling. */
function isChunked(coding: string): boolean {
  return coding.length === 7 && coding.toLowerCase() === "chunked";
}

/** Digits, and few enough to be exact. */
function isLength(value: string): boolean {
  if (value === "" || value.length > 15) return false;
  for (let index = 0; index < value.length; index++) {
    if (!isDigit(value.charCodeAt(index))) return false;
  }
  return true;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/**
 * Why an answer with these headers is not passed on; `undefined` if it may be. O(bytes).
 *
 * undici's parser has refused most of this (it then fails with `HTTPParserError`); what it lets
 * through is a transfer coding that nobody has decoded.
 *
 * @param raw as they came, before `stripAnswerHeaders`.
 */
export function refuseAnswerHeaders(raw: RawHeaders): Refusal | undefined {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    if (!isToken(name) || !isFieldValue(value)) return ANSWER_HEADER;
    if (name.length !== 17 || textOf(name).toLowerCase() !== "transfer-encoding") continue;
    if (!isChunked(textOf(value))) return ANSWER_CODING;
  }
  return undefined;
}

/** 1 for each character of a token (RFC 9110 §5.6.2). */
const TOKEN_CHARACTERS = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
  TOKEN_CHARACTERS[character.charCodeAt(0)] = 1;
  TOKEN_CHARACTERS[character.toUpperCase().charCodeAt(0)] = 1;
}

/** 1 for each byte of a value: no control characters but the tab (RFC 9110 §5.5). */
const VALUE_CHARACTERS = new Uint8Array(256).fill(1, 0x20);
VALUE_CHARACTERS[0x09] = 1;
VALUE_CHARACTERS[0x7f] = 0;

/** A buffer is looked at byte by byte: no text is made of it only for that. */
function consistsOf(characters: Uint8Array, text: string | Uint8Array): boolean {
  if (typeof text !== "string") {
    for (let index = 0; index < text.length; index++) {
      if (characters[text[index] ?? 0] !== 1) return false;
    }
    return true;
  }
  for (let index = 0; index < text.length; index++) {
    if (characters[text.charCodeAt(index)] !== 1) return false;
  }
  return true;
}

function isToken(name: RawHeaders[number]): boolean {
  return name.length > 0 && (isList(name) ? false : consistsOf(TOKEN_CHARACTERS, name));
}

function isFieldValue(value: RawHeaders[number]): boolean {
  if (isList(value)) return value.every(isFieldValue);
  return consistsOf(VALUE_CHARACTERS, value);
}

function isList(value: RawHeaders[number]): value is readonly Buffer[] {
  return Array.isArray(value);
}
