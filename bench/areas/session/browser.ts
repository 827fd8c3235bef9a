/** What a browser behind the proxy that ends TLS sends, and keeps. */
export class Browser {
  cookie = "";

  /** Resolves with the head of the answer. */
  async ask(origin: string, path: string): Promise<Response> {
    const headers = { cookie: this.cookie, "x-forwarded-proto": "https" };
    const answer = await fetch(`${origin}${path}`, { redirect: "manual", headers });
    const [set] = answer.headers.getSetCookie();
    if (set !== undefined) this.cookie = set.split(";")[0] ?? "";
    return answer;
  }

  /** @throws Error unless the answer is good. */
  async text(origin: string, path: string): Promise<string> {
    const answer = await this.ask(origin, path);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text.slice(0, 300)}`);
    return text;
  }

  /** @throws Error unless the session is there at the next request. */
  async login(origin: string): Promise<void> {
    await this.text(origin, "/login/ann");
    if ((await this.text(origin, "/user")) !== "ann") throw new Error("the login was not stored");
  }
}
