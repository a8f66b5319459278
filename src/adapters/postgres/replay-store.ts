import type pg from 'pg';
import { decodeFacts } from '../../pipeline/lane/facts-codec.ts';
import type { AppliedLesson, ReplayBatch, ReplayStore } from '../../pipeline/replay/replay-store.ts';
import { readBalances, readWalletsJudged } from './replay-wallets.ts';
import { createRulesetArchive } from './ruleset-archive.ts';

/** Batches read at a time: a page of full ones is some megabytes. */
const BATCHES_PAGE = 32;

/** What replaying decisions reads of PostgreSQL. */
export function createReplayStore(pool: pg.Pool): ReplayStore {
  return {
    decision: async (tenant, decisionId) => {
      const { rows } = await pool.query<DecisionRow>(
        `select decision_id, tenant_id, account_id, wallet_id, lane, batch_no, outcome, score, ruleset_hash, decided_at, evidence
         from decision where tenant_id = $1 and decision_id = $2`,
        [tenant, decisionId],
      );
      const row = rows[0];
      if (row === undefined) return undefined;
      return {
        decisionId: row.decision_id,
        tenant: row.tenant_id,
        account: row.account_id,
        walletId: row.wallet_id,
        lane: row.lane,
        batchNo: Number(row.batch_no),
        outcome: row.outcome,
        score: row.score,
        rulesetHash: row.ruleset_hash,
        decidedAtMs: row.decided_at.getTime(),
        evidence: row.evidence,
      };
    },
    sample: async (count) => {
      // Every k-th of the newest: the same ones until new decisions come, and none of them twice.
      const { rows } = await pool.query<{ tenant_id: string; decision_id: string }>(
        `select tenant_id, decision_id from (
           select tenant_id, decision_id, row_number() over (order by decided_at desc, decision_id) as place,
             count(*) over () as total
           from (select * from decision order by decided_at desc limit $2) newest
         ) numbered
         where (place - 1) % greatest(total / $1, 1) = 0 order by place limit $1`,
        [count, count * SAMPLED_FROM],
      );
      return rows.map((row) => ({ tenant: row.tenant_id, decisionId: row.decision_id }));
    },
    ruleset: createRulesetArchive(pool).read,
    batches: (lane, throughBatch) => readBatches(pool, lane, throughBatch),
    walletsJudged: (walletId, throughBatch) => readWalletsJudged(pool, walletId, throughBatch),
    balances: (walletId, throughBatch) => readBalances(pool, walletId, throughBatch),
    lessons: async (walletId) => {
      const { rows } = await pool.query<{
        applied_batch: bigint;
        verdict: AppliedLesson['verdict'];
        from_at: Date;
        to_at: Date;
      }>(
        `select applied_batch, verdict, from_at, to_at from baseline_lesson
         where wallet_id = $1 and applied_batch is not null order by applied_batch, lesson_id`,
        [walletId],
      );
      return rows.map((row) => ({
        batchNo: Number(row.applied_batch),
        verdict: row.verdict,
        fromMs: row.from_at.getTime(),
        toMs: row.to_at.getTime(),
      }));
    },
  };
}

/** A sample is taken from so many times as many decisions. */
const SAMPLED_FROM = 50;

interface DecisionRow {
  readonly decision_id: string;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly wallet_id: bigint;
  readonly lane: number;
  readonly batch_no: bigint;
  readonly outcome: string;
  readonly score: number;
  readonly ruleset_hash: string;
  readonly decided_at: Date;
  readonly evidence: unknown;
}

async function* readBatches(pool: pg.Pool, lane: number, throughBatch: number): AsyncIterable<ReplayBatch> {
  let last = 0n;
  for (;;) {
    const { rows }: { rows: { batch_no: bigint; ruleset_hash: string; facts: Buffer }[] } = await pool.query(
      `select f.batch_no, b.ruleset_hash, f.facts from batch_facts f join batch b using (lane, batch_no)
       where f.lane = $1 and f.batch_no > $2 and f.batch_no <= $3 order by f.batch_no limit $4`,
      [lane, last, throughBatch, BATCHES_PAGE],
    );
    for (const row of rows) {
      last = row.batch_no;
      yield { batchNo: Number(row.batch_no), rulesetHash: row.ruleset_hash, facts: decodeFacts(row.facts) };
    }
    if (rows.length < BATCHES_PAGE) return;
  }
}
