/** What it takes to tell a read from a write by its text. */

import { loadModule, parseSync } from "libpg-query";
import { classifySql } from "../../../packages/replica-router/src/sql/classify-sql.ts";
import { staticSqlCatalog } from "../../../packages/replica-router/src/sql/sql-catalog.ts";
import { createSqlClassifier } from "../../../packages/replica-router/src/sql/sql-classifier.ts";
import type { Operation } from "../../src/area.ts";

const JOIN =
  "SELECT u.id, u.name, o.id AS order_id, o.total, p.title FROM users u JOIN orders o ON o.user_id = u.id LEFT JOIN order_items i ON i.order_id = o.id LEFT JOIN products p ON p.id = i.product_id WHERE u.email = $1 AND o.created_at > $2 ORDER BY o.id DESC";

/** As ORMs write them; the long one lists its columns. */
export const TEXTS = {
  "55B": "SELECT id, name, email FROM users WHERE id = $1 LIMIT 1",
  "254B": `${JOIN} ;`.padEnd(254),
  "5.2KB": JOIN.replace(
    "u.id",
    Array.from({ length: 367 }, (_, index) => `u.column_${index}`).join(", "),
  ).padEnd(5200),
} as const;

export type Size = keyof typeof TEXTS;

/** A text that was not seen before. */
export function classified(size: Size): Operation {
  const text = TEXTS[size];
  return () => classifySql(text, staticSqlCatalog);
}

export async function parsed(size: Size): Promise<Operation> {
  await loadModule();
  const text = TEXTS[size];
  return () => parseSync(text);
}

/** What nothing that reads the text can undercut. */
export function everyCharacter(size: Size): Operation {
  const text = TEXTS[size];
  return () => {
    let sum = 0;
    for (let at = 0; at < text.length; at++) sum += text.charCodeAt(at);
    return sum;
  };
}

/** A text that is remembered, in the very string that was asked for before. */
export function remembered(size: Size): Operation {
  const text = TEXTS[size];
  const classifier = createSqlClassifier();
  return () => classifier.classify(text);
}

export function mapGet(size: Size): Operation {
  const text = TEXTS[size];
  const map = new Map([[text, classifySql(text, staticSqlCatalog)]]);
  return () => map.get(text);
}

/** A text that is remembered, in a string made anew, as an ORM does; making it is part of it. */
export function rememberedAnew(size: Size): Operation {
  const bytes = Buffer.from(TEXTS[size]);
  const classifier = createSqlClassifier();
  return () => classifier.classify(bytes.toString("latin1"));
}

export function mapGetAnew(size: Size): Operation {
  const bytes = Buffer.from(TEXTS[size]);
  const text = TEXTS[size];
  const map = new Map<string, unknown>([[text, classifySql(text, staticSqlCatalog)]]);
  return () => map.get(bytes.toString("latin1"));
}
