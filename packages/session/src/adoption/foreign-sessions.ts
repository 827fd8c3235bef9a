/** Sessions that another library keeps, under their ids in clear. */

export interface ForeignSessions {
  /** For errors: `"connect-redis"`. */
  readonly name: string;
  /** The object that express-session gave to its store; undefined: there is none, or it has expired. */
  load(id: string): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** False: it was gone already. */
  destroy(id: string): Promise<boolean>;
}
