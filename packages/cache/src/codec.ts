/** How a value becomes bytes and is itself again. */

export interface Codec {
  /** Written before every value, so that another codec's bytes are never decoded: 1 to 127. */
  readonly id: number;
  /**
   * @throws CacheValueError `CACHE_VALUE_UNSUPPORTED` when `decode` would not give back what went
   *   in: a function, a class instance, a symbol.
   */
  encode(value: unknown): Uint8Array;
  /** @throws anything when the bytes are not this codec's. */
  decode(bytes: Uint8Array): unknown;
}
