/**
 * A session with its fields as properties: `request.session.cart`, as code for express-session has it.
 *
 * The fields are there before the handlers run, and what they are at the end is written. Methods with
 * callbacks are those that Passport and others call; they are not enumerable, and a field of such a
 * name is not shown as a property.
 */

import type { Session } from "../session.ts";

type Callback = (error?: unknown) => void;
type AnySession = Session<Record<string, unknown>>;

/** Of each, the session it shows; beside the object, where no field can be in its way. */
const sessions = new WeakMap<EagerSession, AnySession>();

export class EagerSession {
  constructor(session: AnySession) {
    sessions.set(this, session);
    fill(this, session);
  }

  /** The name of the session that is no secret; absent until it is stored. */
  get id(): string | undefined {
    return shownBy(this).ref;
  }

  regenerate(callback?: Callback): this {
    return told(this, callback, async (session) => {
      await session.regenerate();
      fill(this, session);
    });
  }

  destroy(callback?: Callback): this {
    return told(this, callback, async (session) => {
      await session.destroy();
      fill(this, session);
    });
  }

  save(callback?: Callback): this {
    return told(this, callback, async (session) => {
      collect(this);
      await session.save();
    });
  }

  /** The fields as they were when the request began. */
  reload(callback?: Callback): this {
    return told(this, callback, async (session) => fill(this, session));
  }

  /** Does nothing: a use is noted without being asked. */
  touch(): this {
    return this;
  }
}

/** Takes what the properties are into the session. */
export function collect(eager: EagerSession): void {
  const session = shownBy(eager);
  if (!session.isWritable) return;
  const left = new Set(session.names());
  for (const [name, value] of Object.entries(eager)) {
    if (value === undefined) continue;
    left.delete(name);
    session.set(name, value);
  }
  for (const name of left) if (!(name in EagerSession.prototype)) session.delete(name);
}

function fill(eager: EagerSession, session: AnySession): void {
  for (const name of Object.keys(eager)) Reflect.deleteProperty(eager, name);
  for (const name of session.names()) {
    if (name in EagerSession.prototype) continue;
    const value = session.peek(name);
    const property = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(eager, name, property);
  }
}

function told<Self extends EagerSession>(
  self: Self,
  callback: Callback | undefined,
  work: (session: AnySession) => Promise<void>,
): Self {
  work(shownBy(self)).then(
    () => callback?.(),
    (error: unknown) => callback?.(error),
  );
  return self;
}

function shownBy(eager: EagerSession): AnySession {
  const session = sessions.get(eager);
  if (session === undefined) throw new TypeError("this is not the session of a request");
  return session;
}
