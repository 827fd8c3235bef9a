const ERASE_LINE = "\r\u001b[2K";

/** One line of a terminal that is written over and over; nothing at all where there is none. */
export class Progress {
  readonly #terminal: NodeJS.WriteStream;

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal;
  }

  show(line: string): void {
    if (!this.#terminal.isTTY) return;
    this.#terminal.write(ERASE_LINE + line.slice(0, (this.#terminal.columns || 80) - 1));
  }

  /** Before anything else is printed. */
  clear(): void {
    this.show("");
  }
}
