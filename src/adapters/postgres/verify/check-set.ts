import { setContentHash } from '../../../domain/ledger/judge-set.ts';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import type { LedgerFinding } from '../../../pipeline/queries/ledger-finding.ts';
import { changedEntry } from './check-entry.ts';
import type { EntryRow, StoredBatch } from './stored-batch.ts';

/**
 * The entries of a set: the sign says whether one is a charge or a credit, and the content is made of wallet and amount. An
 * amount with which content and contra legs fit again is what was changed; without one, it is the content.
 */
export function checkSetEntries({ entries, contra }: StoredBatch): readonly LedgerFinding[] {
  const apart = [...entries, ...contra].reduce((sum, { amount }) => sum + amount, 0n);
  return entries.flatMap((entry) => checkSetEntry(entry, entry.amount - apart));
}

function checkSetEntry(entry: EntryRow, fitting: bigint): readonly LedgerFinding[] {
  const hashOf = (amount: bigint) => setContentHash(entry.wallet_id, amount);
  const isAmount = entry.content_hash !== hashOf(entry.amount) && entry.content_hash === hashOf(fitting);
  const amount = isAmount ? fitting : entry.amount;
  const kind = amount < 0n ? ENTRY_KIND.charged : ENTRY_KIND.credited;
  const why = 'wallet and amount make the content of an item of a set';
  return [
    ...changedEntry(entry, 'amount', entry.amount, amount, 'with that amount its content and the other legs fit'),
    ...changedEntry(entry, 'content_hash', entry.content_hash, hashOf(amount), why),
    ...changedEntry(entry, 'kind', BigInt(entry.kind), BigInt(kind), 'the sign of the amount says so'),
  ];
}
