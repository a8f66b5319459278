import type pg from 'pg';
import { ownLimit, type Slowdown, type Throttle } from '../../domain/ledger/throttle.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { formatIso } from '../../domain/time.ts';
import { int8Array } from './binary-array.ts';

/** A limit that rules have set, as column `slowed` holds it; the limit of people stands in the columns beside it. */
export interface SlowedJson {
  readonly limit: string;
  readonly periodMs: number;
  readonly periodAtMs: number;
  readonly spent: string;
  readonly toldAtMs: number | null;
  readonly toldSequence: number | null;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly by: string;
}

/** The stored form of what rules have set; null for a wallet that they do not slow down. */
export function slowedText(throttle: Throttle | null): string | null {
  if (throttle?.slowed === undefined) return null;
  const { limit, periodMs, periodAtMs, spent, told, slowed } = throttle;
  const stored: SlowedJson = {
    limit: limit.toString(),
    periodMs,
    periodAtMs,
    spent: spent.toString(),
    toldAtMs: told?.periodAtMs ?? null,
    toldSequence: told?.sequence ?? null,
    sinceMs: slowed.sinceMs,
    untilMs: slowed.untilMs,
    by: slowed.by,
  };
  return JSON.stringify(stored);
}

/** The wallet's throttle from both limits. */
export function withSlowed(own: Throttle | null, stored: SlowedJson | null): Throttle | null {
  if (stored === null) return own;
  const { limit, periodMs, periodAtMs, spent, toldAtMs, toldSequence, sinceMs, untilMs, by } = stored;
  const told = toldAtMs === null || toldSequence === null ? null : { periodAtMs: toldAtMs, sequence: toldSequence };
  const slowed: Slowdown = { sinceMs, untilMs, by, own };
  return { limit: BigInt(limit), periodMs, periodAtMs, spent: BigInt(spent), told, slowed };
}

/** What the wallets have spent in their periods, what services were told of it, and what rules have set. */
export async function projectThrottles(client: pg.PoolClient, heads: readonly WalletHead[]): Promise<void> {
  const owns = heads.map(({ throttle }) => ownLimit(throttle));
  await client.query({
    name: 'project-throttles',
    text: `update wallet w set throttle_period_at = u.at, throttle_spent = u.spent, throttle_told_at = u.told_at,
        throttle_told_sequence = u.told_sequence, slowed = u.slowed
      from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::timestamptz[], $5::bigint[], $6::jsonb[])
        as u(wallet_id, at, spent, told_at, told_sequence, slowed) where w.wallet_id = u.wallet_id`,
    values: [
      int8Array(heads, (wallet) => wallet.walletId),
      owns.map((own) => (own === null ? null : formatIso(own.periodAtMs))),
      owns.map((own) => own?.spent ?? null),
      owns.map((own) => (own?.told == null ? null : formatIso(own.told.periodAtMs))),
      owns.map((own) => own?.told?.sequence ?? null),
      heads.map(({ throttle }) => slowedText(throttle)),
    ],
  });
}

/**
 * What the wallets have spent in their periods, and no more: what services were told, and whether rules slow the wallet
 * down, is the affair of the batch that is perhaps under way.
 */
export async function projectSpending(client: pg.PoolClient, heads: readonly WalletHead[]): Promise<void> {
  const owns = heads.map(({ throttle }) => ownLimit(throttle));
  await client.query({
    name: 'project-spending',
    text: `update wallet w set throttle_period_at = coalesce(u.at, w.throttle_period_at),
        throttle_spent = coalesce(u.spent, w.throttle_spent), slowed = w.slowed || u.slowed
      from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::jsonb[]) as u(wallet_id, at, spent, slowed)
      where w.wallet_id = u.wallet_id`,
    values: [
      int8Array(heads, ({ walletId }) => walletId),
      owns.map((own) => (own === null ? null : formatIso(own.periodAtMs))),
      owns.map((own) => own?.spent ?? null),
      heads.map(({ throttle }) =>
        throttle?.slowed === undefined
          ? '{}'
          : JSON.stringify({ periodAtMs: throttle.periodAtMs, spent: throttle.spent.toString() }),
      ),
    ],
  });
}
