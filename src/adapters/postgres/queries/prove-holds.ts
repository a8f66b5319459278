import type pg from 'pg';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import { formatDecimal } from '../../../domain/money/nanos.ts';
import type { Proof } from '../../../pipeline/queries/queries.ts';

/** Captured holds: what they say was captured, wallet by wallet, and what was posted for it. */
export async function proveHolds(client: pg.PoolClient): Promise<Proof> {
  const { rows } = await client.query<{ bad: bigint; holds: bigint; captured: bigint; entries: bigint }>(
    `with held as (
       select wallet_id, count(*) as holds, sum(captured)::bigint as captured from hold where state = 'captured' group by wallet_id
     ), posted as (
       select wallet_id, count(*) as entries, -sum(amount)::bigint as charged from entry where kind = $1 group by wallet_id
     )
     select count(*) filter (where holds is distinct from entries or captured is distinct from charged) as bad,
       coalesce(sum(holds), 0)::bigint as holds, coalesce(sum(captured), 0)::bigint as captured,
       coalesce(sum(entries), 0)::bigint as entries
     from held full join posted using (wallet_id)`,
    [ENTRY_KIND.captured],
  );
  const { bad = 0n, holds = 0n, captured = 0n, entries = 0n } = rows[0] ?? {};
  return {
    name: 'captured holds were charged once',
    ok: bad === 0n,
    detail: `${holds} holds captured with ${formatDecimal(captured)}, ${entries} entries${bad === 0n ? '' : `; ${bad} wallets differ`}`,
  };
}
