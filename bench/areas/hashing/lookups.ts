/**
 * A lookup of each peer as one operation.
 *
 * Every one is a function of its own, written out: a function shared by several is compiled once for
 * what all of them do, which costs the fast ones more than the slow.
 */
import { murmur3 } from "@headroom/hashing";
import * as EffectRing from "effect/HashRing";
import type { Operation } from "../../src/area.ts";
import { keyAt } from "./keys.ts";
import {
  jumphash,
  makeEffectRing,
  makeHashring,
  makeHashringWithoutCache,
  nodes,
} from "./peers.ts";

/** What no lookup by murmur3 can undercut; an int32, which unlike a uint32 is never boxed. */
export function bareMurmur3(): Operation {
  return (index) => murmur3(keyAt(index)) | 0;
}

export function hashringLookup(n: number): Operation {
  const ring = makeHashring(nodes(n));
  return (index) => ring.get(keyAt(index));
}

export function hashringLookupWithoutCache(n: number): Operation {
  const ring = makeHashringWithoutCache(nodes(n));
  return (index) => ring.get(keyAt(index));
}

export function effectLookup(n: number): Operation {
  const ring = makeEffectRing(nodes(n));
  return (index) => EffectRing.get(ring, keyAt(index));
}

export function jumphashLookup(n: number): Operation {
  return (index) => jumphash(keyAt(index), n);
}
