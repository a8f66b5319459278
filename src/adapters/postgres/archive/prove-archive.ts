import type pg from 'pg';
import { formatDecimal } from '../../../domain/money/nanos.ts';
import type { Proof } from '../../../pipeline/queries/queries.ts';

/** What the ledger keeps of archived days, once per wallet and once per ledger transaction, adds up to the same. */
export async function proveArchive(client: pg.PoolClient): Promise<readonly Proof[]> {
  const { rows } = await client.query<{
    days: bigint;
    entries: bigint;
    amount: bigint;
    bad: bigint;
    examples: string[] | null;
  }>(
    `with by_wallet as (
       select a.day, w.currency, sum(a.entries) as entries, sum(a.amount) as amount
       from archived_wallet_day a join wallet w using (wallet_id) group by a.day, w.currency
     ), by_batch as (
       select day, currency, sum(entries) as entries, sum(amount) as amount from archived_batch_day group by day, currency
     ), both_sums as (
       select day, w.entries, w.entries is distinct from b.entries or w.amount is distinct from b.amount as off,
         w.amount from by_wallet w full join by_batch b using (day, currency)
     ), compared as (
       select d.day, d.entries, coalesce(sum(s.amount), 0) as amount,
         d.entries is distinct from coalesce(sum(s.entries), 0) or coalesce(bool_or(s.off), false) as off
       from archived_day d left join both_sums s using (day) where d.state = 'archived' group by d.day, d.entries
     )
     select count(*) as days, coalesce(sum(entries), 0)::bigint as entries, coalesce(sum(amount), 0)::bigint as amount,
       count(*) filter (where off) as bad, (array_agg(day::text order by day) filter (where off))[1:3] as examples
     from compared`,
  );
  const { days = 0n, entries = 0n, amount = 0n, bad = 0n, examples = null } = rows[0] ?? {};
  if (days === 0n) return [];
  const looked = `${days} days, ${entries} entries, ${formatDecimal(amount)}`;
  return [
    {
      name: 'archived days add up',
      ok: bad === 0n,
      detail: bad === 0n ? looked : `${bad} wrong of ${looked}: ${(examples ?? []).join(', ')}`,
    },
  ];
}
