/** Trouble to make on purpose. */
export interface Fault {
  /**
   * `status` answers with an error of `status`; `html` with a web page and `status`; `reset` cuts the connection;
   * `silent` never answers; `slow` answers after `delayMs`; `truncated` breaks off within the body.
   */
  readonly kind: 'status' | 'html' | 'reset' | 'silent' | 'slow' | 'truncated';
  readonly method?: string | undefined;
  /** The path begins with it; every path when absent. */
  readonly path?: string | undefined;
  /** How many requests are hit; 1 unless given. */
  readonly count?: number | undefined;
  /** The request is carried out, and only its answer is lost. */
  readonly afterWork?: boolean | undefined;
  /** HTTP status of `status` and `html`; 500 unless given. */
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  /** For `slow`, milliseconds. */
  readonly delayMs?: number | undefined;
  /** The header `Stripe-Should-Retry`. */
  readonly shouldRetry?: boolean | undefined;
  /** The header `Retry-After`, seconds. */
  readonly retryAfterSeconds?: number | undefined;
}

/** Faults waiting for the requests they hit. */
export class Faults {
  readonly #armed: { readonly fault: Fault; left: number; hits: number }[] = [];

  add(fault: Fault): void {
    this.#armed.push({ fault, left: fault.count ?? 1, hits: 0 });
  }

  clear(): void {
    this.#armed.length = 0;
  }

  list(): readonly (Fault & { readonly left: number; readonly hits: number })[] {
    return this.#armed.map(({ fault, left, hits }) => ({ ...fault, left, hits }));
  }

  /** The first fault that this request meets, used up by one. */
  take(method: string, path: string): Fault | undefined {
    const armed = this.#armed.find(
      ({ fault, left }) =>
        left > 0 &&
        (fault.method === undefined || fault.method === method) &&
        (fault.path === undefined || path.startsWith(fault.path)),
    );
    if (armed === undefined) return undefined;
    armed.left -= 1;
    armed.hits += 1;
    return armed.fault;
  }
}
