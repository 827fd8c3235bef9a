/**
 * About how many bytes a value takes in the process, for the limit of the local tier.
 *
 * JavaScript does not tell, so this is arithmetic: what V8 needs for a value of each kind, on a
 * 64-bit machine. It is within a factor of two or so for plain data; what a class hides (closures,
 * private fields, memory outside the heap) is not seen.
 *
 * The work is bounded: after 1000 values the rest of each list, map and object is taken to be like
 * what was seen of it. What is reachable on several ways is counted once.
 */

/** After that many values the rest is estimated. */
const MOST_VISITED = 1000;

const WORD = 8;
const OBJECT = 56;
const ARRAY = 32;
const COLLECTION = 64;
const COLLECTION_ENTRY = 40;
const VIEW = 96;
/** What a value is taken for that was not looked at. */
const UNSEEN = 32;

/** In bytes; never less than 1. O(1) in the number of values, O(length) in that of texts and keys. */
export function sizeOf(value: unknown): number {
  return Math.ceil(new Estimate().of(value));
}

class Estimate {
  #left = MOST_VISITED;
  readonly #seen = new Set<object>();

  of(value: unknown): number {
    this.#left--;
    switch (typeof value) {
      case "string":
        return textBytes(value);
      case "bigint":
        return 16 + value.toString(16).length / 2;
      case "object":
        return value === null ? WORD : this.#ofObject(value);
      default:
        return WORD;
    }
  }

  #ofObject(value: object): number {
    if (this.#seen.has(value)) return WORD;
    this.#seen.add(value);
    if (ArrayBuffer.isView(value)) return VIEW + value.byteLength;
    if (value instanceof ArrayBuffer) return VIEW + value.byteLength;
    if (Array.isArray(value)) {
      return ARRAY + WORD * value.length + this.#ofAll(value, value.length);
    }
    if (value instanceof Map) {
      const members =
        this.#ofAll(value.keys(), value.size) + this.#ofAll(value.values(), value.size);
      return COLLECTION + COLLECTION_ENTRY * value.size + members;
    }
    if (value instanceof Set) {
      return COLLECTION + COLLECTION_ENTRY * value.size + this.#ofAll(value, value.size);
    }
    const keys = Object.keys(value);
    return OBJECT + 2 * WORD * keys.length + this.#ofAll(valuesOf(value, keys), keys.length);
  }

  /** The sum of these, from as many as may still be looked at. */
  #ofAll(values: Iterable<unknown>, count: number): number {
    let looked = 0;
    let bytes = 0;
    for (const value of values) {
      if (this.#left <= 0) break;
      looked++;
      bytes += this.of(value);
    }
    return looked === 0 ? count * UNSEEN : Math.ceil((bytes / looked) * count);
  }
}

/** One unit takes a byte, or two when there is any beyond Latin-1: UTF-8 is near enough to both. */
function textBytes(text: string): number {
  return 16 + Math.min(Buffer.byteLength(text), 2 * text.length);
}

function* valuesOf(value: object, keys: readonly string[]): Generator<unknown> {
  for (const key of keys) yield Reflect.get(value, key);
}
