/** The many ways in which `pg` lets a query be written, as one. */

import type { PgCallback, QueryObject, Submittable } from "../pg-module.ts";

interface GivenArguments {
  readonly values: unknown;
  readonly callback: PgCallback | undefined;
  readonly text: string;
  readonly route: "primary" | "replica" | undefined;
}

interface PlainArguments extends GivenArguments {
  readonly isSubmittable: false;
  readonly query: string | QueryObject;
}

/** It talks to the connection itself, and cannot be run a second time. */
export interface SubmittableArguments extends GivenArguments {
  readonly isSubmittable: true;
  readonly query: Submittable;
}

export type QueryArguments = PlainArguments | SubmittableArguments;

/** @throws TypeError for what pg could not run either, and for an unknown `route`. */
export function queryArguments(query: unknown, values: unknown, callback: unknown): QueryArguments {
  const given = typeof values === "function" ? values : callback;
  const parameters = typeof values === "function" ? undefined : values;
  if (typeof query === "string") {
    return {
      query,
      values: parameters,
      callback: callbackOf(given),
      text: query,
      route: undefined,
      isSubmittable: false,
    };
  }
  if (typeof query !== "object" || query === null) {
    throw new TypeError(`a query must be a string or an object with text, got ${typeof query}`);
  }
  if ("submit" in query && typeof query.submit === "function") {
    const submittable = query as Submittable;
    const text = submittable.text ?? submittable.cursor?.text ?? "";
    return {
      query: submittable,
      values: parameters,
      callback: callbackOf(given ?? submittable.callback),
      text: typeof text === "string" ? text : "",
      route: undefined,
      isSubmittable: true,
    };
  }
  const object = query as QueryObject;
  if (typeof object.text !== "string") {
    throw new TypeError(`the text of a query must be a string, got ${typeof object.text}`);
  }
  return {
    // pg writes to what it is given; the application's object may be used again.
    query: Object.create(object) as QueryObject,
    values: parameters,
    callback: callbackOf(given ?? object.callback),
    text: object.text,
    route: routeOf(object.route),
    isSubmittable: false,
  };
}

function callbackOf(given: unknown): PgCallback | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given === "function") return given as PgCallback;
  throw new TypeError("the callback of a query must be a function");
}

function routeOf(route: unknown): "primary" | "replica" | undefined {
  if (route === undefined || route === "primary" || route === "replica") return route;
  throw new TypeError(`route must be "primary" or "replica", got ${JSON.stringify(route)}`);
}
