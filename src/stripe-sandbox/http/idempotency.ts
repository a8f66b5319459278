import { StripeFault } from '../stripe-fault.ts';

const KEY_CHARS_MAX = 255;
const KEPT_MS = 24 * 3_600_000;

/** An answer as it went out. */
export interface StoredAnswer {
  readonly status: number;
  readonly body: string;
}

/** A key and what became of its request. */
export interface Entry {
  readonly fingerprint: string;
  readonly startedAtMs: number;
  answer: StoredAnswer | undefined;
}

/** Remembers what became of a key for 24 hours: the same request gets the same answer again, whatever it was. */
export class IdempotencyKeys {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Claims a key, or returns the answer stored under it. Another request under the same key is refused. */
  begin(key: string, fingerprint: string): StoredAnswer | undefined {
    if (key.length > KEY_CHARS_MAX) {
      throw new StripeFault(400, 'invalid_request_error', `Idempotency keys are at most ${KEY_CHARS_MAX} characters.`);
    }
    const known = this.#entries.get(key);
    if (known === undefined || known.startedAtMs + KEPT_MS < this.#now()) {
      this.#entries.set(key, { fingerprint, startedAtMs: this.#now(), answer: undefined });
      return undefined;
    }
    if (known.fingerprint !== fingerprint) {
      throw new StripeFault(
        400,
        'idempotency_error',
        `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
      );
    }
    if (known.answer === undefined) {
      throw new StripeFault(
        409,
        'idempotency_error',
        `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}.`,
        { code: 'idempotency_key_in_use' },
      );
    }
    return known.answer;
  }

  finish(key: string, answer: StoredAnswer): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.answer = answer;
  }

  /** Every key whose answer is known, for a file. */
  dump(): readonly (readonly [string, Entry])[] {
    return [...this.#entries].filter(([, { answer }]) => answer !== undefined);
  }

  restore(entries: readonly (readonly [string, Entry])[]): void {
    for (const [key, entry] of entries) this.#entries.set(key, entry);
  }

  /** Gives a key back: what never began may be sent again, corrected. */
  forget(key: string): void {
    this.#entries.delete(key);
  }
}
