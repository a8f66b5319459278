import type pg from 'pg';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { decodeFacts } from '../../src/pipeline/lane/facts-codec.ts';
import { Oracle } from './oracle.ts';

/** What the oracle and the database say, in the same words and order. */
export interface Comparison {
  readonly oracle: LedgerText;
  readonly database: LedgerText;
  readonly facts: number;
}

interface LedgerText {
  readonly entries: readonly string[];
  readonly quarantined: readonly string[];
  readonly decisions: readonly string[];
  readonly wallets: readonly string[];
  readonly statuses: readonly string[];
}

/** Replays every lane's facts in their recorded order through an oracle, and reads the same things from SQL. */
export async function compareWithOracle(pool: pg.Pool, ruleset: Ruleset, lateWindowMs: number): Promise<Comparison> {
  const { rows } = await pool.query<{ lane: number; facts: Buffer }>(
    'select lane, facts from batch_facts order by lane, batch_no',
  );
  const oracles = new Map<number, Oracle>();
  const statuses: string[] = [];
  const stored: string[] = [];
  const steps = rows.flatMap(({ lane, facts }) => {
    const oracle = oracles.get(lane) ?? new Oracle(ruleset, lateWindowMs);
    oracles.set(lane, oracle);
    return decodeFacts(facts).map((fact) => {
      const step = oracle.apply(fact);
      statuses.push(`${fact.id} ${step.status}`);
      stored.push(`${fact.id} ${fact.status}`);
      return step;
    });
  });
  const wallets = [...oracles.values()].flatMap((oracle) =>
    [...oracle.memory.accounts.values()].map(({ wallet }) =>
      [wallet.walletId, wallet.posted, wallet.seq, wallet.status, wallet.statusSequence, wallet.quarantined].join(' '),
    ),
  );
  return {
    facts: steps.length,
    oracle: {
      entries: steps.flatMap((step) => step.entries).sort(),
      quarantined: steps.flatMap((step) => step.quarantined).sort(),
      decisions: steps.flatMap((step) => step.decisions).sort(),
      wallets: wallets.sort(),
      statuses,
    },
    database: {
      entries: await lines(
        pool,
        `select event_key || ' ' || wallet_id || ' ' || seq || ' ' || amount || ' ' || balance_after || ' ' || kind as line from entry`,
      ),
      quarantined: await lines(
        pool,
        `select event_key || ' ' || reason || ' ' || coalesce(amount::text, '') as line from quarantine`,
      ),
      // What is found across accounts follows no event of the lane.
      decisions: await lines(
        pool,
        `select decision_id || ' ' || outcome || ' ' || score as line from decision
         where evidence -> 'event' ->> 'source' <> 'tollkeeper'`,
      ),
      wallets: await lines(
        pool,
        `select wallet_id || ' ' || posted || ' ' || seq || ' ' || status || ' ' || status_sequence || ' ' || quarantined as line from wallet`,
      ),
      statuses: stored,
    },
  };
}

async function lines(pool: pg.Pool, sql: string): Promise<readonly string[]> {
  const { rows } = await pool.query<{ line: string }>(sql);
  return rows.map((row) => row.line).sort();
}
