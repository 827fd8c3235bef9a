/** An error of the client as one of ours, without what may be secret in it. */

import { redisFailureCode } from "@headroom/core/redis-failure";
import { CacheStoreError } from "../store-errors.ts";

/** @param store the store's name, for the message. */
export function redisFailure(store: string, error: unknown): CacheStoreError {
  return new CacheStoreError(store, redisFailureCode(error));
}
