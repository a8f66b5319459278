import type pg from 'pg';
import { formatWalletId } from '../../../domain/ids.ts';
import { finding, type LedgerFinding } from '../../../pipeline/queries/ledger-finding.ts';
import { readCursor } from '../queries/read-cursor.ts';

interface GrantRow {
  readonly grant_id: string;
  readonly wallet_id: bigint;
  readonly account_id: string | null;
  readonly lane: number;
  readonly batch_no: bigint;
  readonly remaining: bigint;
  readonly expected: bigint;
  readonly is_there: boolean;
}

/** What is left of each grant against what it was and what batches took out of it. */
export async function* checkGrants(client: pg.PoolClient): AsyncGenerator<LedgerFinding> {
  const rows = readCursor<GrantRow>(client, {
    name: 'verify_grant',
    page: 1_000,
    sql: `with burnt as (select grant_id, sum(amount)::bigint as amount from grant_burn group by grant_id)
      select grant_id, coalesce(g.wallet_id, 0) as wallet_id, w.account_id, coalesce(g.lane, 0) as lane, coalesce(g.batch_no, 0) as batch_no,
        coalesce(g.remaining, 0) as remaining, coalesce(g.amount, 0) - coalesce(b.amount, 0) as expected, g.grant_id is not null as is_there
      from credit_grant g full join burnt b using (grant_id) left join wallet w on w.wallet_id = g.wallet_id
      where g.grant_id is null or g.remaining <> g.amount - coalesce(b.amount, 0) order by grant_id`,
  });
  for await (const row of rows) {
    if (!row.is_there) {
      const why = `batches took credit out of grant ${row.grant_id}, and it is not there`;
      yield finding({ what: 'missing', table: 'credit_grant', why });
      continue;
    }
    const place = { lane: row.lane, batch: row.batch_no.toString(), account: row.account_id };
    const values = { column: 'remaining', stored: row.remaining.toString(), expected: row.expected.toString() };
    const why = `grant ${row.grant_id}: what it was less the rows of grant_burn is another rest`;
    const wallet = formatWalletId(row.wallet_id);
    yield finding({ what: 'changed', table: 'credit_grant', ...values, ...place, wallet, why });
  }
}

/** What people set for a wallet last. Amounts are nano-units, as text. */
export interface SetLimits {
  readonly overdraft_limit: string | null;
  readonly throttle_limit: string | null;
  readonly throttle_period_ms: string | null;
}

/** The limits that the audit log says were set last, by wallet id as it is printed. */
export async function readLimits(client: pg.PoolClient): Promise<ReadonlyMap<string, SetLimits>> {
  const { rows } = await client.query<SetLimits & { subject: string }>(
    `select distinct on (subject) subject, detail ->> 'overdraftLimit' as overdraft_limit,
       detail -> 'throttle' ->> 'limit' as throttle_limit, detail -> 'throttle' ->> 'periodMs' as throttle_period_ms
     from audit_log where action = 'wallet.limit' order by subject, audit_id desc`,
  );
  return new Map(rows.map((row) => [row.subject, row]));
}
