import type pg from 'pg';
import { z } from 'zod';
import type { WalletFigures } from '../../domain/decisions/judgement.ts';
import { ENTRY_KIND } from '../../domain/ledger/wallet.ts';
import type { BatchBalance } from '../../pipeline/replay/replay-store.ts';

const figure = z
  .string()
  .regex(/^-?\d+$/)
  .transform(BigInt);
const figuresSchema = z.object({ status: z.string(), posted: figure, held: figure, quarantined: figure });

interface FiguresRow {
  readonly decision_id: string;
  readonly outcome: string;
  readonly not_frozen: string | null;
  readonly status: string | null;
  readonly posted: string | null;
  readonly held: string | null;
  readonly quarantined: string | null;
}

/** The wallet that each decision of it was made with. */
export async function readWalletsJudged(
  pool: pg.Pool,
  walletId: bigint,
  throughBatch: number,
): Promise<ReadonlyMap<string, WalletFigures>> {
  const { rows } = await pool.query<FiguresRow>(
    `select decision_id, outcome, evidence ->> 'notFrozenBecause' as not_frozen, evidence -> 'wallet' ->> 'status' as status,
       evidence -> 'wallet' ->> 'posted' as posted, evidence -> 'wallet' ->> 'held' as held,
       evidence -> 'wallet' ->> 'quarantined' as quarantined
     from decision where wallet_id = $1 and batch_no <= $2`,
    [walletId, throughBatch],
  );
  const figures = new Map<string, WalletFigures>();
  for (const row of rows) {
    // The status was stored after the decision: one that froze the wallet itself found it active.
    const froze = row.outcome === 'freeze' && row.not_frozen === null;
    const parsed = figuresSchema.safeParse({ ...row, status: froze ? 'active' : row.status });
    if (parsed.success) figures.set(row.decision_id, parsed.data);
  }
  return figures;
}

/** What every batch that posted to a wallet found in it and left there. */
export async function readBalances(
  pool: pg.Pool,
  walletId: bigint,
  throughBatch: number,
): Promise<readonly BatchBalance[]> {
  const { rows } = await pool.query<{ batch_no: bigint; opening: bigint; after: string[] | null; closing: bigint }>(
    `select batch_no, (array_agg(balance_after - amount order by seq))[1] as opening,
       array_agg(balance_after::text order by seq) filter (where kind = any($3::smallint[])) as after,
       (array_agg(balance_after order by seq desc))[1] as closing
     from entry where wallet_id = $1 and batch_no <= $2 group by batch_no order by batch_no`,
    [walletId, throughBatch, [ENTRY_KIND.usage, ENTRY_KIND.fact]],
  );
  return rows.map(({ batch_no: batchNo, opening, after, closing }) => {
    return { batchNo: Number(batchNo), opening, after: (after ?? []).map(BigInt), closing };
  });
}
