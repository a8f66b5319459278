import { parseEventKey } from '../../../domain/events/event-key.ts';
import { formatWalletId } from '../../../domain/ids.ts';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import { finding, type LedgerFinding } from '../../../pipeline/queries/ledger-finding.ts';
import { treeOf } from './check-seal.ts';
import type { EntryRow, StoredBatch } from './stored-batch.ts';

/** An entry that nothing explains. */
export function insertedEntry(row: EntryRow, why: string): LedgerFinding {
  return finding({ what: 'inserted', table: 'entry', ...placeOfEntry(row), stored: row.amount.toString(), why });
}

/** An entry is dated by its key. */
export function checkTime(row: EntryRow): readonly LedgerFinding[] {
  const expected = BigInt(parseEventKey(row.event_key).timeMs) * 1_000n;
  return changedEntry(row, 'event_time', row.event_us, expected, 'its key carries another time (µs since 1970)');
}

/** Entries of a usage batch without an event: freezes and thaws, which move no money, and credit that ended. */
export function checkOtherEntries(
  { contra }: Pick<StoredBatch, 'contra'>,
  rows: readonly EntryRow[],
): readonly LedgerFinding[] {
  const ended = rows.filter(({ kind }) => kind === ENTRY_KIND.expired);
  const legs = contra.filter(({ ledgerAccount }) => ledgerAccount === 'breakage');
  const breakage = legs.reduce((sum, { amount }) => sum + amount, 0n);
  return rows.flatMap((row) => {
    if (row.kind === ENTRY_KIND.expired) {
      // Of several, the sum alone is known: the two sides of the batch are compared for all kinds.
      const amount = ended.length === 1 && legs.length > 0 ? -breakage : row.amount;
      return [
        ...changedEntry(row, 'amount', row.amount, amount, 'the batch posted another amount as breakage'),
        ...changedEntry(row, 'content_hash', row.content_hash, 0n, 'credit that ended has no content'),
      ];
    }
    const isStatus = row.kind === ENTRY_KIND.freeze || row.kind === ENTRY_KIND.thaw;
    if (!isStatus)
      return [insertedEntry(row, 'no stored event of its batch was charged with it, or it was of another kind')];
    const why = 'a freeze or thaw moves no money and has no content';
    return [
      ...changedEntry(row, 'amount', row.amount, 0n, why),
      ...changedEntry(row, 'content_hash', row.content_hash, 0n, why),
    ];
  });
}

/** A kind made into another, as a freeze into a thaw: turned back, the batch has its root. */
export function turnedEntry({ row: batch, entries }: StoredBatch): LedgerFinding | undefined {
  const { freeze, thaw, expired } = ENTRY_KIND;
  for (const [index, row] of entries.entries()) {
    if (row.kind !== freeze && row.kind !== thaw && row.kind !== expired) continue;
    for (const kind of [freeze, thaw, expired]) {
      const tree = treeOf(entries.with(index, { ...row, kind }), batch);
      if (kind === row.kind || batch.root?.equals(tree.root) !== true) continue;
      return changedEntry(row, 'kind', BigInt(row.kind), BigInt(kind), 'with that kind the batch has its root')[0];
    }
  }
  return undefined;
}

/** A finding when an entry's column is not what it must be. */
export function changedEntry(
  row: EntryRow,
  column: string,
  is: bigint,
  must: bigint,
  why: string,
): readonly LedgerFinding[] {
  if (is === must) return [];
  const values = { column, stored: is.toString(), expected: must.toString() };
  return [finding({ what: 'changed', table: 'entry', ...values, ...placeOfEntry(row), why })];
}

function placeOfEntry(row: EntryRow) {
  return {
    lane: row.lane,
    batch: row.batch_no.toString(),
    account: row.account_id,
    wallet: formatWalletId(row.wallet_id),
    sequence: row.seq.toString(),
    eventKey: row.event_key,
  };
}
