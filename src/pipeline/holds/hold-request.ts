import { addressOf } from '../../domain/ids.ts';
import { requestHash } from '../admin/request.ts';

/** What is asked of a hold. Amounts are nano-units; `seconds` count from now. */
export type HoldAsk =
  | { readonly do: 'place'; readonly amount: bigint; readonly captureMax: bigint; readonly seconds: number }
  | { readonly do: 'extend'; readonly amount: bigint | undefined; readonly seconds: number | undefined }
  | { readonly do: 'capture'; readonly amount: bigint }
  | { readonly do: 'release' }
  /** The sweeper's: ends the hold if its time is over. Leaves no answer behind. */
  | { readonly do: 'expire' };

/** A request about one hold, ready to be judged. */
export interface HoldRequest {
  readonly tenant: string;
  readonly holdId: string;
  readonly walletId: bigint;
  readonly shard: number;
  /** Sent again with the same key, a request changes nothing and is answered as before. */
  readonly key: string;
  /** Of everything that was asked for: the same key with another body is a mistake. */
  readonly hash: string;
  readonly ask: HoldAsk;
  readonly actor: string;
  readonly reason: string | null;
  readonly nowMs: number;
}

/**
 * A request about the hold of an account. Without a key of its own it has that of its operation, so that placing,
 * capturing and releasing are each done once; extensions differ by what they ask for.
 */
export function holdRequest(given: {
  readonly tenant: string;
  readonly holdId: string;
  readonly account: string;
  readonly currency: string;
  readonly key: string | undefined;
  readonly ask: HoldAsk;
  readonly actor: string;
  readonly reason: string | null;
  readonly nowMs: number;
}): HoldRequest {
  const { account, currency, key, ...rest } = given;
  return holdRequestOf({ ...rest, key, ...addressOf(given.tenant, account, currency) });
}

/** The same for whoever knows the wallet already. */
export function holdRequestOf(given: Omit<HoldRequest, 'key' | 'hash'> & { readonly key: string | undefined }) {
  const { ask, walletId } = given;
  const body = Object.fromEntries(
    Object.entries(ask).map(([name, value]) => [name, typeof value === 'bigint' ? value.toString() : (value ?? null)]),
  );
  const hash = requestHash({ ...body, wallet: walletId.toString() });
  const key = given.key ?? (ask.do === 'extend' ? `extend ${hash.slice(0, 16)}` : ask.do);
  return { ...given, key, hash } satisfies HoldRequest;
}
