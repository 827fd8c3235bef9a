/**
 * How the cache's names become keys of Redis.
 *
 *     hr:{shop:user:42}      a value; the lease of the same key is hr:{shop:user:42}:l
 *     hr:{shop}:tags         the clock of tags
 *     hr:{shop}:bus          the channel
 *
 * The braces are a hash tag: a value and its lease are in one slot of a Cluster, so that one script
 * may touch both. A tag ends at the first `}`, so that character is escaped inside, and with it the
 * escape character itself. Nothing else needs to be: keys of Redis are any bytes.
 */

import { requireText } from "@headroom/core/options";

export class RedisKeys {
  readonly #open: string;
  /** The sorted set that is the clock of tags. */
  readonly tags: string;
  /** Where changes are published. */
  readonly channel: string;

  constructor(prefix: string, cache: string) {
    this.#open = `${prefix}:{`;
    this.tags = `${this.#open}${escaped(cache)}}:tags`;
    this.channel = `${this.#open}${escaped(cache)}}:bus`;
  }

  /** Where the value of a key of the cache is. */
  value(key: string): string {
    return `${this.#open}${escaped(key)}}`;
  }

  /** Where the lease of a value is, by the value's key of Redis. */
  lease(value: string): string {
    return `${value}:l`;
  }
}

/** @throws TypeError or RangeError when `prefix` is empty or has a brace: it would be the hash tag. */
export function requireKeyPrefix(name: string, prefix: string): string {
  if (!/[{}]/.test(requireText(name, prefix))) return prefix;
  throw new RangeError(`${name} must be without braces, got ${JSON.stringify(prefix)}`);
}

function escaped(text: string): string {
  if (!text.includes("}") && !text.includes("%")) return text;
  return text.replaceAll("%", "%25").replaceAll("}", "%7D");
}
