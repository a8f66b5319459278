import type pg from 'pg';
import { derivedId, formatWalletId } from '../../domain/ids.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { FreezeCause } from '../../pipeline/freeze-cause.ts';
import { decisionEvidenceSchema } from '../../pipeline/queries/decision-evidence.ts';

/** What stands behind a wallet's `frozenBy`; null when the wallet is not frozen, or nothing is known of the id. */
export async function readFreezeCause(
  client: Pick<pg.ClientBase, 'query'>,
  wallet: Pick<WalletHead, 'walletId' | 'tenant' | 'frozenBy'>,
): Promise<FreezeCause | null> {
  const { frozenBy } = wallet;
  if (frozenBy === null) return null;
  return frozenBy.startsWith('dec_') ? causeOfDecision(client, frozenBy) : causeOfChange(client, wallet);
}

async function causeOfDecision(client: Pick<pg.ClientBase, 'query'>, decisionId: string): Promise<FreezeCause | null> {
  const { rows } = await client.query<{ evidence: unknown; alert: string | null }>(
    `select evidence, (select t.alert_id from alert t where t.decision_id = d.decision_id limit 1) as alert
     from decision d where decision_id = $1`,
    [decisionId],
  );
  const row = rows[0];
  if (row === undefined) return null;
  const { results } = decisionEvidenceSchema.parse(row.evidence);
  const rules = results.filter(({ score }) => score > 0).map(({ ruleId }) => ruleId);
  return { kind: 'rules', rules, alert: row.alert };
}

/** The wallet's latest freeze by hand. The audit log is of human size, so its end is soon read. */
async function causeOfChange(
  client: Pick<pg.ClientBase, 'query'>,
  { walletId, tenant, frozenBy }: Pick<WalletHead, 'walletId' | 'tenant' | 'frozenBy'>,
): Promise<FreezeCause | null> {
  const { rows } = await client.query<{ actor: string; reason: string | null; key: string | null }>(
    `select actor, detail->>'reason' as reason, detail->>'key' as key from audit_log
     where tenant_id = $1 and subject = $2 and action = 'wallet.freeze' order by audit_id desc limit 1`,
    [tenant, formatWalletId(walletId)],
  );
  const row = rows[0];
  // Naming the wrong person would be worse than naming nobody.
  if (row === undefined || derivedId('chg', [tenant, row.key ?? '']) !== frozenBy) return null;
  return { kind: 'person', actor: row.actor, reason: row.reason };
}
