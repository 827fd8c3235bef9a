export type { RouteHint } from "./sql/statement.ts";
