import { hash } from 'node:crypto';
import type { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { AdminTransaction } from './admin-store.ts';

/** What every administrative request carries beside its own words. */
export interface AdminRequest {
  /** Sent again with the same key, a request changes nothing and is answered as before. */
  readonly key: string;
  /** Who asks, for the audit log: `cli:ana`. */
  readonly actor: string;
  readonly reason: string | null;
  readonly nowMs: number;
  readonly dryRun: boolean;
}

/** SHA-256 of what is asked for: the same key with another body is a mistake, not a retry. */
export function requestHash(body: Readonly<Record<string, string | number | boolean | null>>): string {
  const ordered = Object.keys(body)
    .sort()
    .map((name) => [name, body[name]]);
  return hash('sha256', JSON.stringify(ordered), 'hex');
}

/** The answer already given under this key, or undefined; `AppError(IDEMPOTENCY_CONFLICT)` when it was another request. */
export async function answeredBefore<T>(
  transaction: AdminTransaction,
  request: { readonly key: string; readonly hash: string },
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const known = await transaction.answered(request.key);
  if (known === undefined) return undefined;
  if (known.hash !== request.hash) {
    throw new AppError('IDEMPOTENCY_CONFLICT', `The key ${JSON.stringify(request.key)} was used for another request.`);
  }
  return schema.parse(known.result);
}
