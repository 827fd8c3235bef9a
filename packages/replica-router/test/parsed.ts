/** PostgreSQL's own parser (libpg-query) on the same question: may this run on a replica? */

import { parseSync, scanSync } from "libpg-query";
import type { SqlCatalog } from "../src/sql/statement.ts";

/** `invalid`: no server would run it. */
export type Verdict = "read" | "other" | "invalid";

export function parsedVerdict(text: string, catalog: SqlCatalog): Verdict {
  let statements: readonly unknown[];
  try {
    statements = parseSync(text).stmts ?? [];
  } catch {
    return "invalid";
  }
  if (statements.length !== 1) return statements.length === 0 ? "invalid" : "other";
  return READ_STATEMENTS.test(JSON.stringify(statements[0])) && isRead(statements, catalog)
    ? "read"
    : "other";
}

const READ_STATEMENTS = /^\{"stmt":\{"(SelectStmt|VariableShowStmt|ExplainStmt)":/;

/** Statements, and parts of a query, that are not for a replica. */
const OTHER_NODES =
  /^((?!Select|VariableShow|Explain)\w+Stmt|LockingClause|IntoClause|lockingClause|intoClause)$/;

function isRead(node: unknown, catalog: SqlCatalog): boolean {
  if (Array.isArray(node)) return node.every((part) => isRead(part, catalog));
  if (typeof node !== "object" || node === null) return true;
  return Object.entries(node).every(([name, value]) => {
    if (OTHER_NODES.test(name)) return false;
    if (name === "FuncCall" && catalog.volatileFunctions.has(lastName(value.funcname)))
      return false;
    if (name === "RangeVar" && catalog.primaryRelations.has(value.relname)) return false;
    return isRead(value, catalog);
  });
}

function lastName(names: readonly { readonly String?: { readonly sval?: string } }[]): string {
  return names.at(-1)?.String?.sval ?? "";
}

/** The text in its tokens, each with what is before it; comments are part of what is before. */
export function tokensOf(text: string): string[] {
  const bytes = Buffer.from(text);
  return scanSync(text)
    .tokens.filter(({ tokenName }) => !tokenName.endsWith("COMMENT"))
    .map(({ start, end }) => bytes.subarray(start, end).toString());
}
