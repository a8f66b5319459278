import { inspect } from 'node:util';

const SHOWN = '[secret]';

/**
 * A value that must not be printed. It shows as `[secret]` in logs, JSON, templates and inspection; only `reveal()`,
 * called where a driver needs it, gives the text back.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
