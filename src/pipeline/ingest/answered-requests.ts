import { hash } from 'node:crypto';
import { AppError } from '../../errors.ts';

/** A request that was sent with a key of its own. */
export interface KeyedRequest {
  readonly tenant: string;
  /** As it was sent. */
  readonly key: string;
  /** What tells this request from another under the same key. */
  readonly content: string;
}

/** Where keys of requests and their answers are kept. */
export interface RequestAnswers {
  /** Claims the key for a request, or finds who has it; `answer` is null until it is known. */
  readonly claim: (claim: {
    readonly key: string;
    readonly hash: string;
    readonly nowMs: number;
  }) => Promise<{ readonly hash: string; readonly answer: unknown }>;
  /** Keeps an answer; what was kept first stands, and is returned. */
  readonly keep: (answer: {
    readonly key: string;
    readonly answer: unknown;
    readonly nowMs: number;
  }) => Promise<unknown>;
  /** Gives a key up that has no answer: nothing was taken under it. */
  readonly release: (key: string) => Promise<void>;
}

/**
 * Carries requests out once per key and tenant. The same request again is answered as before, from the database; another
 * under the key is `AppError(IDEMPOTENCY_CONFLICT)`. A request whose process died before its answer was kept is carried out
 * again, which the work must bear.
 */
export class AnsweredRequests {
  readonly #answers: RequestAnswers;
  readonly #now: () => number;
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(parts: { readonly answers: RequestAnswers; readonly now: () => number }) {
    this.#answers = parts.answers;
    this.#now = parts.now;
  }

  /**
   * The answer to a request: kept, or made by `work` and then kept. When `work` throws an error for which `tookNothing`
   * holds, the key is free again.
   */
  async once<T>(
    request: KeyedRequest,
    read: (answer: unknown) => T,
    work: () => Promise<T>,
    tookNothing: (error: unknown) => boolean,
  ): Promise<T> {
    const key = storedKey(request);
    const contentHash = hash('sha256', request.content, 'hex');
    // A twin that arrives meanwhile waits: it would find its events posted by the other, and answer `duplicate`.
    for (let twin = this.#underWay.get(key); twin !== undefined; twin = this.#underWay.get(key)) {
      await twin.catch(() => undefined);
    }
    const answering = this.#answer({ key, hash: contentHash, named: request.key }, work, tookNothing);
    this.#underWay.set(key, answering);
    try {
      return read(await answering);
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #answer(
    { key, hash: contentHash, named }: { readonly key: string; readonly hash: string; readonly named: string },
    work: () => Promise<unknown>,
    tookNothing: (error: unknown) => boolean,
  ): Promise<unknown> {
    const known = await this.#answers.claim({ key, hash: contentHash, nowMs: this.#now() });
    if (known.hash !== contentHash)
      throw new AppError('IDEMPOTENCY_CONFLICT', `The key ${JSON.stringify(named)} was used for another request.`);
    if (known.answer !== null) return known.answer;
    try {
      return await this.#answers.keep({ key, answer: await work(), nowMs: this.#now() });
    } catch (error) {
      if (tookNothing(error)) await this.#answers.release(key);
      throw error;
    }
  }
}

/**
 * Apart from keys of changes to wallets, which more powerful keys send: whoever may only send usage could otherwise take the
 * name of a credit that is still to come. A tenant's name is never empty, so no other key begins like this. Hashed, since a tenant and a key together are longer than the column.
 */
function storedKey({ tenant, key }: KeyedRequest): string {
  return `\u001fusage\u001f${hash('sha256', `${tenant}\u0000${key}`, 'hex')}`;
}
