import type pg from 'pg';
import type { CaseCounts } from '../../domain/decisions/abuse-probability.ts';
import type { BatchRecord } from '../../pipeline/lane/batch-record.ts';
import type { Lesson } from '../../pipeline/lane/lessons.ts';

/** What closed alerts are to teach a lane's accounts, oldest first. */
export async function readLessons(client: pg.PoolClient, lane: number): Promise<readonly Lesson[]> {
  const { rows } = await client.query<{
    lesson_id: bigint;
    wallet_id: bigint;
    verdict: Lesson['verdict'];
    from_at: Date;
    to_at: Date;
  }>(
    `select lesson_id, wallet_id, verdict, from_at, to_at from baseline_lesson
     where lane = $1 and applied_batch is null order by lesson_id`,
    [lane],
  );
  return rows.map((row) => ({
    lessonId: row.lesson_id,
    walletId: row.wallet_id,
    verdict: row.verdict,
    fromMs: row.from_at.getTime(),
    toMs: row.to_at.getTime(),
  }));
}

/** Notes which batch carried lessons out; the features they changed are written with it. */
export async function closeLessons(client: pg.PoolClient, { batchNo, lessons }: BatchRecord): Promise<void> {
  await client.query(
    'update baseline_lesson set applied_batch = $1 where lesson_id = any($2::bigint[]) and applied_batch is null',
    [batchNo, lessons],
  );
}

/** Closed alerts by the live rules that fired in them, and what they turned out to be. */
export async function readCaseCounts(client: pg.PoolClient): Promise<ReadonlyMap<string, CaseCounts>> {
  const { rows } = await client.query<{ rule: string; confirmed: bigint; benign: bigint }>(
    `select r ->> 'ruleId' as rule, count(*) filter (where t.status = 'confirmed_fraud') as confirmed,
       count(*) filter (where t.status = 'benign') as benign
     from alert t join decision d using (decision_id), json_array_elements(d.evidence -> 'results') r
     where t.status in ('confirmed_fraud', 'benign') and r ->> 'status' in ('hit', 'snoozed') and r ->> 'mode' = 'live'
     group by 1`,
  );
  return new Map(
    rows.map(({ rule, confirmed, benign }) => [rule, { confirmed: Number(confirmed), benign: Number(benign) }]),
  );
}
