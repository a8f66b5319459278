import type pg from 'pg';
import { formatWalletId } from '../../../domain/ids.ts';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import type { Proof } from '../../../pipeline/queries/queries.ts';
import { counted, exactAmount } from './proof-text.ts';

/** Examples named when a proof fails: enough to start looking. */
const EXAMPLES = 3;

/** Every ledger transaction sums to zero: its wallet legs and its contra legs, in each currency. */
export async function proveZeroSums(client: pg.PoolClient): Promise<Proof> {
  const { rows } = await client.query<{ total: bigint; bad: bigint; examples: string[] | null }>(
    `with leg as (
       select lane, batch_no, currency, amount from ledger_leg
       union all select lane, batch_no, currency, amount from batch_contra
     ), summed as (
       select lane, batch_no, sum(amount) as sum from leg group by lane, batch_no, currency
     )
     select count(*) as total, count(*) filter (where sum <> 0) as bad,
       (array_agg(format('lane %s batch %s is off by %s nanos', lane, batch_no, sum) order by lane, batch_no)
         filter (where sum <> 0))[1:$1] as examples
     from summed`,
    [EXAMPLES],
  );
  const { total = 0n, bad = 0n, examples = null } = rows[0] ?? {};
  return proof(
    'every ledger transaction sums to zero',
    bad,
    examples,
    `${counted(total)} ledger transactions: batches and changes by people`,
  );
}

/** Every balance is the sum of its wallet's entries and what the last entry says; entries are numbered without gaps. */
export async function proveWallets(client: pg.PoolClient): Promise<readonly Proof[]> {
  const { rows } = await client.query<{
    total: bigint;
    entries: bigint;
    off_sum: bigint;
    off_last: bigint;
    gaps: bigint;
    sum_examples: string[] | null;
    last_examples: string[] | null;
    gap_examples: string[] | null;
  }>(
    `with part as materialized (
       select * from wallet_part
     ), summed as (
       select wallet_id, sum(amount) as sum, sum(entries)::bigint as entries, max(last_seq) as last,
         (array_agg(last_balance order by last_seq desc))[1] as archived_balance
       from part group by wallet_id
     ), numbered as (
       select wallet_id, range_agg(range) as numbers from (select wallet_id, unnest(numbers) as range from part) r
       group by wallet_id
     ), checked as (
       select coalesce(w.wallet_id, p.wallet_id) as id, coalesce(p.entries, 0) as entries,
         w.posted is distinct from coalesce(p.sum, 0)::bigint as off_sum,
         p.wallet_id is not null and w.posted is distinct from coalesce(l.balance_after, p.archived_balance) as off_last,
         -- So many entries whose numbers are exactly 1 to so many: each number is there, and there once.
         w.seq is distinct from coalesce(p.entries, 0)
           or (p.wallet_id is not null and n.numbers is distinct from int8multirange(int8range(1, p.entries + 1))) as gap
       from summed p join numbered n using (wallet_id) full join wallet w using (wallet_id)
       left join entry l on l.wallet_id = p.wallet_id and l.seq = p.last
     )
     select count(*) as total, coalesce(sum(entries), 0)::bigint as entries, count(*) filter (where off_sum) as off_sum,
       count(*) filter (where off_last) as off_last, count(*) filter (where gap) as gaps,
       (array_agg(id::text) filter (where off_sum))[1:$1] as sum_examples,
       (array_agg(id::text) filter (where off_last))[1:$1] as last_examples,
       (array_agg(id::text) filter (where gap))[1:$1] as gap_examples
     from checked`,
    [EXAMPLES],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('an aggregate without groups returns one row');
  const looked = `${counted(row.total)} wallets, ${counted(row.entries)} entries`;
  return [
    proof('every balance is the sum of its entries', row.off_sum, names(row.sum_examples), looked),
    proof('every balance is the one of its last entry', row.off_last, names(row.last_examples), looked),
    proof('entries are numbered without gaps', row.gaps, names(row.gap_examples), looked),
  ];
}

/** What a wallet says is in quarantine is what is open in quarantine. */
export async function proveQuarantine(client: pg.PoolClient): Promise<Proof> {
  const { rows } = await client.query<{ bad: bigint; events: bigint; amount: bigint; examples: string[] | null }>(
    `with open as (
       select wallet_id, count(*) as events, coalesce(sum(amount), 0)::bigint as amount
       from quarantine where status = 'open' group by wallet_id
     ), checked as (
       select coalesce(w.wallet_id, o.wallet_id) as id, coalesce(o.events, 0) as events, coalesce(o.amount, 0) as amount,
         w.quarantined is distinct from coalesce(o.amount, 0)
           or w.quarantined_events is distinct from coalesce(o.events, 0) as off
       from open o full join wallet w using (wallet_id)
     )
     select count(*) filter (where off) as bad, coalesce(sum(events), 0)::bigint as events,
       coalesce(sum(amount), 0)::bigint as amount, (array_agg(id::text) filter (where off))[1:$1] as examples
     from checked`,
    [EXAMPLES],
  );
  const { bad = 0n, events = 0n, amount = 0n, examples = null } = rows[0] ?? {};
  const detail = `${counted(events)} events open, worth ${exactAmount(amount)}`;
  return proof('wallets know what is in quarantine', bad, names(examples), detail);
}

/** Usage released from quarantine: what its rows cost, what was posted for it, and what its batches were priced at. */
export async function proveReleases(client: pg.PoolClient): Promise<Proof> {
  const { rows } = await client.query<{
    rows: bigint;
    entries: bigint;
    batches: bigint;
    events: bigint;
    posted: bigint;
  }>(
    `select
       (select coalesce(sum(amount), 0)::bigint from quarantine where status = 'posted') as rows,
       (select count(*) from quarantine where status = 'posted') as events,
       (select coalesce(-sum(amount), 0)::bigint from ledger_leg where kind = $1) as entries,
       (select coalesce(sum(entries), 0)::bigint from ledger_leg where kind = $1) as posted,
       (select coalesce(sum(priced), 0)::bigint from batch where kind = 'release') as batches`,
    [ENTRY_KIND.released],
  );
  const { rows: priced = 0n, entries = 0n, batches = 0n, events = 0n, posted = 0n } = rows[0] ?? {};
  const apart = priced > entries ? priced - entries : entries - priced;
  return {
    name: 'released usage was charged once',
    // A wallet's residue makes each charge a nano more or less; that nothing leaks is proven apart.
    ok: apart <= events && entries === batches && events === posted,
    detail:
      events === 0n && posted === 0n
        ? 'nothing was released from quarantine'
        : `${counted(events)} events: priced ${exactAmount(priced)}, charged ${exactAmount(entries)} in ${counted(posted)} entries, batches ${exactAmount(batches)}`,
  };
}

/** Wallets by their public ids. The driver leaves arrays of bigint to their reader, so they come as text. */
function names(ids: readonly string[] | null): readonly string[] | null {
  return ids?.map((id) => formatWalletId(BigInt(id))) ?? null;
}

function proof(name: string, bad: bigint, examples: readonly string[] | null, looked: string): Proof {
  if (bad === 0n) return { name, ok: true, detail: looked };
  return { name, ok: false, detail: `${counted(bad)} wrong of ${looked}: ${(examples ?? []).join('; ')}` };
}
