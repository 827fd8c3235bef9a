/** Messages that are read once, by the next page that asks: "saved". Each kind is a field of the session. */

export interface FlashSession {
  get(name: string): Promise<unknown>;
  update(name: string, change: (value: unknown) => unknown): Promise<unknown>;
}

export async function addFlash(
  session: FlashSession,
  kind: string,
  message: string,
): Promise<void> {
  await session.update(fieldOf(kind), (messages) => [...listOf(messages), message]);
}

export async function takeFlash(session: FlashSession, kind: string): Promise<readonly string[]> {
  if ((await session.get(fieldOf(kind))) === undefined) return [];
  let taken: readonly string[] = [];
  await session.update(fieldOf(kind), (messages) => {
    taken = listOf(messages);
    return undefined;
  });
  return taken;
}

function fieldOf(kind: string): string {
  return `flash:${kind}`;
}

function listOf(messages: unknown): readonly string[] {
  return Array.isArray(messages) ? messages : [];
}
