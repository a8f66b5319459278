import { timingSafeEqual } from 'node:crypto';
import { parseKey } from '../../domain/api-keys/key-text.ts';
import { type ApiKey, type ApiKeyStore, keyState } from './api-key.ts';
import { secretHash } from './manage-keys.ts';

/** How long a look-up counts: a key that is revoked is refused everywhere within this time. */
const KNOWN_MS = 2_000;
/** Ids remembered at once, so that whoever makes keys up fills no memory. */
const KNOWN_MAX = 10_000;
const USE_NOTED_EVERY_MS = 60_000;
const UNKNOWN_HASH = new Uint8Array(32);

interface Known {
  readonly untilMs: number;
  readonly found: Promise<{ readonly key: ApiKey; readonly secretHash: Uint8Array } | undefined>;
}

export interface KeyRingOptions {
  readonly store: Pick<ApiKeyStore, 'find' | 'noteUse'>;
  readonly now: () => number;
  readonly onProblem: (what: string, error: unknown) => void;
}

/** Tells which key a text is. Asks the database once for many requests, and notes when keys are used. */
export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #known = new Map<string, Known>();
  readonly #notedMs = new Map<string, number>();

  constructor(options: KeyRingOptions) {
    this.#options = options;
  }

  /** The key in force that a text is; undefined otherwise. Takes as long for a wrong secret as for the right one. */
  async identify(text: string): Promise<ApiKey | undefined> {
    const parts = parseKey(text);
    if (parts === undefined) return undefined;
    const found = await this.#find(parts.keyId);
    const isRight = timingSafeEqual(secretHash(parts.secret), found?.secretHash ?? UNKNOWN_HASH);
    const nowMs = this.#options.now();
    if (found === undefined || !isRight || keyState(found.key, nowMs) !== 'in_force') return undefined;
    this.#noteUse(found.key, nowMs);
    return found.key;
  }

  #find(keyId: string): Known['found'] {
    const nowMs = this.#options.now();
    const known = this.#known.get(keyId);
    if (known !== undefined && known.untilMs > nowMs) return known.found;
    // The oldest goes first; the one looked up now becomes the youngest.
    this.#known.delete(keyId);
    if (this.#known.size >= KNOWN_MAX) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    const found = this.#options.store.find(keyId);
    this.#known.set(keyId, { untilMs: nowMs + KNOWN_MS, found });
    // The next request asks again.
    found.catch(() => this.#known.delete(keyId));
    return found;
  }

  #noteUse({ keyId, lastUsedAtMs }: ApiKey, nowMs: number): void {
    const notedMs = Math.max(this.#notedMs.get(keyId) ?? 0, lastUsedAtMs ?? 0);
    if (nowMs - notedMs < USE_NOTED_EVERY_MS) return;
    this.#notedMs.set(keyId, nowMs);
    this.#options.store
      .noteUse([{ keyId, atMs: nowMs }])
      .catch((error: unknown) => this.#options.onProblem('last use of an API key', error));
  }
}
