import type pg from 'pg';
import { createArchiveFiles } from '../../src/adapters/archive-files.ts';
import { verifyWithin } from '../../src/adapters/postgres/verify/verify-ledger.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import type { ArchiveFiles } from '../../src/pipeline/archive/archive-store.ts';
import type { LedgerFinding, VerifySummary } from '../../src/pipeline/queries/ledger-finding.ts';

/** What `verify` says of the books after these changes, made as somebody with the superuser's password would. */
export async function verifyAfter(
  pool: pg.Pool,
  changes: readonly string[],
  { ruleset, files = createArchiveFiles([]) }: { readonly ruleset: Ruleset; readonly files?: ArchiveFiles },
): Promise<{ readonly found: readonly LedgerFinding[]; readonly summary: VerifySummary }> {
  const found: LedgerFinding[] = [];
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read');
    await client.query('set local session_replication_role = replica');
    for (const sql of changes) {
      const { rowCount } = await client.query(sql);
      if (rowCount === 0) throw new Error(`nothing was changed by ${sql}`);
    }
    const summary = await verifyWithin(client, ruleset, files, {
      tenant: 'default',
      onFinding: (finding) => found.push(finding),
      onProgress: () => undefined,
    });
    return { found, summary };
  } finally {
    await client.query('rollback');
    client.release();
  }
}

/** Another value of the same type that the table's own checks allow. */
export function otherValue(table: string, column: string, type: string): string {
  const words: Readonly<Record<string, string>> = {
    'batch.kind': "case kind when 'topup' then 'thaw' else 'topup' end",
    'batch_contra.ledger_account': "case ledger_account when 'cash' then 'promotion' else 'cash' end",
    'quarantine.reason': "case reason when 'too_late' then 'altered' else 'too_late' end",
    'quarantine.status': "case status when 'open' then 'void' when 'void' then 'posted' else 'open' end",
    'wallet.status': "case status when 'active' then 'frozen' else 'active' end",
    'wallet.slowed': `case when slowed is null then '{"limit":"1","periodMs":1,"untilMs":1,"by":"x"}'::jsonb end`,
    'decision.outcome': "'watch'",
    'credit_grant.source': "case source when 'paid' then 'promotional' else 'paid' end",
    'hold.state': "case state when 'released' then 'expired' else 'released' end",
    'hold_operation.operation': "case operation when 'release' then 'extend' else 'release' end",
    'credit_grant.remaining': 'remaining - 1',
    'hold.amount': 'amount - 1',
    'event_correction.correction_no': 'correction_no + 10',
  };
  const special = words[`${table}.${column}`];
  if (special !== undefined) return special;
  if (column === 'batch_no' || column === 'last_batch') return `${column} + 1000000`;
  if (column === 'lane') return 'lane + 7';
  if (type === 'character') return "'EUR'";
  if (type === 'text') return `coalesce(${column}, '') || 'x'`;
  if (type === 'json') return `json_build_object('was', ${column})`;
  if (type === 'bytea')
    return `coalesce(set_byte(${column}, length(${column}) / 2, get_byte(${column}, length(${column}) / 2) # 1), '\\x00')`;
  if (type === 'uuid')
    return `(overlay(${column}::text placing (case right(${column}::text, 1) when '0' then '1' else '0' end) from 36))::uuid`;
  if (type === 'timestamp with time zone') return `coalesce(${column}, now()) + interval '1 microsecond'`;
  return `coalesce(${column}, 0) + 1`;
}
