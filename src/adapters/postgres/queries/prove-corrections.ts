import type pg from 'pg';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import { formatDecimal } from '../../../domain/money/nanos.ts';
import { chargeFor } from '../../../domain/money/price.ts';
import { parseQuantity } from '../../../domain/money/quantity.ts';
import type { Ruleset } from '../../../domain/rules/ruleset.ts';
import type { Proof } from '../../../pipeline/queries/queries.ts';
import { EVENT_KINDS } from '../admin/event-corrections.ts';
import { isArchivedSql } from './archived-day-sql.ts';
import { readCursor } from './read-cursor.ts';

interface CorrectionRow {
  readonly event_key: string;
  readonly correction_no: number;
  readonly kind: 'void' | 'amend';
  readonly account_id: string | null;
  readonly meter: string | null;
  readonly quantity: string | null;
  readonly ruleset_hash: string | null;
  readonly charged: bigint;
  readonly event_time: Date | null;
  readonly is_next: boolean;
  readonly credits: boolean;
  readonly charges: boolean;
  readonly is_booked: boolean;
  readonly priced: bigint;
}

/**
 * Each correction credits what its event was charged before it: the entry of the event, or the correction before. Its own
 * entries and its batch say the same, an amended quantity is priced again, and nothing follows a void. All entries of an
 * event are on its own day; when that is archived, their sum alone is compared.
 */
const CORRECTIONS = {
  name: 'prove_correction',
  page: 1_000,
  sql: `select c.event_key, c.correction_no, c.kind, w.account_id, c.meter, c.quantity, c.ruleset_hash, c.charged, coalesce(o.event_time, to_timestamp(
        ('x' || left(replace(c.event_key::text, '-', ''), 12))::bit(48)::bigint / 1000.0)) as event_time,
      c.correction_no = row_number() over event and coalesce(lag(c.kind) over event, 'amend') = 'amend' as is_next,
      c.reversed = coalesce(lag(c.charged) over event, -o.amount, c.reversed) and ${isArchivedSql('c.event_key')} or
      c.reversed = coalesce(lag(c.charged) over event, -o.amount) and r.amount = c.reversed and r.kind = ${ENTRY_KIND.reversal}
        and (r.wallet_id, r.lane, r.batch_no) = (o.wallet_id, c.lane, c.batch_no) and o.wallet_id = c.wallet_id is true as credits,
      ${isArchivedSql('c.event_key')} or case c.kind when 'void' then a.event_key is null and c.charged = 0
        else a.amount = -c.charged and a.kind = ${ENTRY_KIND.amended}
          and (a.wallet_id, a.lane, a.batch_no) = (o.wallet_id, c.lane, c.batch_no) end is true as charges,
      b.priced = c.charged - c.reversed and b.kind = case c.kind when 'void' then 'reversal' else 'amend' end is true as is_booked,
      c.charged - c.reversed as priced
    from event_correction c
      left join wallet w using (wallet_id)
      left join entry o on o.event_key = c.event_key and o.kind in (${EVENT_KINDS.join(', ')})
      left join entry r on r.event_key = c.reversal_key
      left join entry a on a.event_key = c.amended_key
      left join batch b on b.lane = c.lane and b.batch_no = c.batch_no
    window event as (partition by c.event_key order by c.correction_no)
    order by c.event_key, c.correction_no`,
};

/** Corrections change charges by exactly what they say, and nothing but a correction does. */
export async function proveCorrections(client: pg.PoolClient, ruleset: Ruleset | undefined): Promise<Proof> {
  const wrong: string[] = [];
  let [corrections, amendments, repriced] = [0, 0, 0];
  let priced = 0n;
  for await (const row of readCursor<CorrectionRow>(client, CORRECTIONS)) {
    corrections++;
    priced += row.priced;
    if (row.kind === 'amend') amendments++;
    const again = chargeAgain(row, ruleset);
    if (again !== undefined) repriced++;
    const isRight =
      row.is_next && row.credits && row.charges && row.is_booked && (again ?? row.charged) === row.charged;
    if (!isRight) wrong.push(`${row.event_key} number ${row.correction_no}`);
  }
  const stored = await sumStored(client);
  const isComplete =
    stored.reversals === corrections && stored.amendments === amendments && stored.batches === corrections;
  const examples = wrong.length === 0 ? '' : `; wrong: ${wrong.slice(0, 3).join(', ')}`;
  return {
    name: 'corrections undo exactly what was charged',
    ok: wrong.length === 0 && isComplete && priced === stored.priced && stored.priced === stored.charged,
    detail:
      `${corrections} corrections, ${amendments} of them amendments (${repriced} priced again): corrections ${formatDecimal(priced)}, ` +
      `batches ${formatDecimal(stored.priced)}, entries ${formatDecimal(stored.charged)} in ${stored.reversals + stored.amendments}${examples}`,
  };
}

/** What an amended quantity costs by the ruleset it was amended with; undefined when that one is not at hand. */
function chargeAgain(row: CorrectionRow, ruleset: Ruleset | undefined): bigint | undefined {
  const { quantity: text, meter, account_id: account, event_time: at } = row;
  if (text === null || meter === null || ruleset === undefined || ruleset.hash !== row.ruleset_hash) return undefined;
  const quantity = parseQuantity(text);
  if (typeof quantity === 'string' || account === null || at === null) return -1n;
  const charge = chargeFor(ruleset.pricing, { account, meter, quantity, occurredAtMs: at.getTime() });
  return typeof charge === 'string' ? -1n : charge.nanos;
}

async function sumStored(client: pg.PoolClient) {
  const { rows } = await client.query<{
    charged: bigint;
    reversals: bigint;
    amendments: bigint;
    priced: bigint;
    batches: bigint;
  }>(
    `select coalesce(-sum(amount), 0)::bigint as charged,
       coalesce(sum(entries) filter (where kind = $1), 0)::bigint as reversals,
       coalesce(sum(entries) filter (where kind = $2), 0)::bigint as amendments,
       (select coalesce(sum(priced), 0)::bigint from batch where kind in ('reversal', 'amend')) as priced,
       (select count(*) from batch where kind in ('reversal', 'amend')) as batches
     from ledger_leg where kind in ($1, $2)`,
    [ENTRY_KIND.reversal, ENTRY_KIND.amended],
  );
  const row = rows[0];
  return {
    charged: row?.charged ?? 0n,
    reversals: Number(row?.reversals ?? 0n),
    amendments: Number(row?.amendments ?? 0n),
    priced: row?.priced ?? 0n,
    batches: Number(row?.batches ?? 0n),
  };
}
