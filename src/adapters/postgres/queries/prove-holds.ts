import type pg from 'pg';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import { formatDecimal } from '../../../domain/money/nanos.ts';
import type { Proof } from '../../../pipeline/queries/queries.ts';

/**
 * Captured holds, those deleted since included: what they say was captured, wallet by wallet, and what was posted for it. The entry of a hold is dated by
 * its placing, so holds placed on archived days are compared by their sum with what is kept of those days.
 */
export async function proveHolds(client: pg.PoolClient): Promise<Proof> {
  const { rows } = await client.query<{
    bad: bigint;
    holds: bigint;
    captured: bigint;
    entries: bigint;
    is_whole: boolean;
  }>(
    `with held_day as (
       select wallet_id, (placed_at at time zone 'UTC')::date as day, 1::bigint as holds, captured from hold where state = 'captured'
       union all select wallet_id, day, holds, captured from hold_deleted
     ), captured as (
       select h.*, exists (select from archived_day a where a.state = 'archived' and a.day = h.day) as away from held_day h
     ), held as (
       select wallet_id, sum(holds)::bigint as holds, sum(captured)::bigint as captured from captured where not away group by wallet_id
     ), posted as (
       select wallet_id, count(*) as entries, -sum(amount)::bigint as charged from entry where kind = $1 group by wallet_id
     ), legs as (
       select coalesce(sum(entries), 0)::bigint as entries, coalesce(-sum(amount), 0)::bigint as charged from ledger_leg where kind = $1
     )
     select count(*) filter (where holds is distinct from entries or captured is distinct from charged) as bad,
       (select coalesce(sum(holds), 0)::bigint from captured) as holds, (select coalesce(sum(captured), 0)::bigint from captured) as captured,
       (select entries from legs) as entries,
       (select (coalesce(sum(holds), 0)::bigint, coalesce(sum(captured), 0)::bigint) from captured) = (select (entries, charged) from legs) as is_whole
     from held full join posted using (wallet_id)`,
    [ENTRY_KIND.captured],
  );
  const { bad = 0n, holds = 0n, captured = 0n, entries = 0n, is_whole: isWhole = false } = rows[0] ?? {};
  return {
    name: 'captured holds were charged once',
    ok: bad === 0n && isWhole,
    detail: `${holds} holds captured with ${formatDecimal(captured)}, ${entries} entries${bad === 0n ? '' : `; ${bad} wallets differ`}`,
  };
}
