/** The instants of a schedule: the same in every process, because nothing but the schedule decides them. */
export interface Ticks {
  /** The first one after `ms`; undefined: there is none any more. Milliseconds since the epoch. */
  after(ms: number): number | undefined;
  /** The last one at or before `ms`; undefined: there was none. */
  upTo(ms: number): number | undefined;
}
