/** What is cached: a user as an API returns it, about 300 bytes of JSON. */

export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
  readonly address: { readonly street: string; readonly city: string; readonly zip: number };
  readonly visits: number;
}

export const TTL_MS = 600_000;
export const KEYS: readonly string[] = Array.from({ length: 1_000 }, (_, at) => `user:${at}`);

export function keyAt(index: number): string {
  return KEYS[index % KEYS.length] ?? "user:0";
}

export function userOf(id: string): User {
  return {
    id,
    name: "Ada Lovelace",
    email: "ada.lovelace@analytical.example",
    roles: ["reader", "author", "reviewer"],
    address: { street: "12 St James's Square", city: "London", zip: 10_815 },
    visits: 1_815,
  };
}

export async function loadUser(id: string): Promise<User> {
  return userOf(id);
}
