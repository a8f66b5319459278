import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import { parseJsonObject } from '../../../json-object.ts';
import { finding, type LedgerFinding } from '../../../pipeline/queries/ledger-finding.ts';
import { changedEntry, insertedEntry } from './check-entry.ts';
import { placeOf } from './check-usage.ts';
import type { EntryRow, StoredBatch } from './stored-batch.ts';

/** Positions in a correction's record, as its hash covers it. */
const COLUMNS = [
  'record',
  'event_key',
  'correction_no',
  'kind',
  'wallet_id',
  'reversal_key',
  'amended_key',
  'reversed',
  'charged',
  'meter',
  'quantity',
  'ruleset_hash',
  'actor',
  'reason',
  'corrected_at',
] as const;

type Correction = ReadonlyMap<(typeof COLUMNS)[number], string | null>;

/** A correction of a posted event against its line of the audit log, its batch and its entries. */
export function checkCorrection(batch: StoredBatch): readonly LedgerFinding[] {
  const { row } = batch;
  const [correction, ...others] = correctionsIn(batch);
  const isCorrection = row.kind === 'reversal' || row.kind === 'amend';
  const strangers = isCorrection || correction === undefined ? others : [correction, ...others];
  const inserted = strangers.map((stranger) =>
    finding({
      what: 'inserted',
      table: 'event_correction',
      ...placeOf(row),
      eventKey: stranger.get('event_key') ?? null,
      why: isCorrection ? 'a batch carries out one correction' : `a ${row.kind} corrects no event`,
    }),
  );
  if (!isCorrection) return inserted;
  if (correction === undefined) {
    const why = `nothing says which event the ${row.kind} corrected`;
    return [finding({ what: 'missing', table: 'event_correction', ...placeOf(row), why })];
  }
  const entries = batch.away.length > 0 ? [] : checkEntries(batch, correction);
  return [...inserted, ...checkRow(batch, correction), ...entries];
}

function correctionsIn({ records }: StoredBatch): readonly Correction[] {
  return records
    .filter(({ record }) => record[0] === 'correction')
    .map(({ record }) => {
      const text = (value: unknown) => (value === null || value === undefined ? null : String(value));
      return new Map(COLUMNS.map((column, index) => [column, text(record[index])]));
    });
}

function checkRow({ row, records }: StoredBatch, correction: Correction): readonly LedgerFinding[] {
  const line = records.find(({ record }) => record[0] === 'audit')?.record;
  const detail = parseJsonObject(String(line?.[5] ?? '')) ?? {};
  const told = (name: string) => (detail[name] === undefined ? null : String(detail[name]));
  const pairs = [
    ['event_key', told('event')],
    ['correction_no', told('correction')],
    ['kind', row.kind === 'amend' ? 'amend' : 'void'],
    ['reversed', told('reversed')],
    ['charged', told('charged')],
    ['actor', row.actor],
    ['reason', row.reason],
    ['corrected_at', `${row.posted_at.toISOString().slice(0, -1)}000Z`],
  ] as const;
  return pairs.flatMap(([column, expected]) => {
    const stored = correction.get(column) ?? null;
    if (line === undefined || stored === expected) return [];
    const place = { ...placeOf(row), eventKey: correction.get('event_key') ?? null };
    const why = 'its batch and the audit log say otherwise';
    return [finding({ what: 'changed', table: 'event_correction', column, stored, expected, ...place, why })];
  });
}

function checkEntries({ row, entries }: StoredBatch, correction: Correction): readonly LedgerFinding[] {
  const expected = [
    ['reversal_key', ENTRY_KIND.reversal, BigInt(correction.get('reversed') ?? 0)],
    ...(row.kind === 'amend'
      ? [['amended_key', ENTRY_KIND.amended, -BigInt(correction.get('charged') ?? 0)] as const]
      : []),
  ] as const;
  const found: LedgerFinding[] = [];
  const left = new Set<EntryRow>(entries);
  for (const [column, kind, amount] of expected) {
    const key = correction.get(column) ?? null;
    const own = entries.find((entry) => entry.event_key === key);
    if (own === undefined) {
      const why = 'the correction names an entry that is not there';
      found.push(finding({ what: 'missing', table: 'entry', column, ...placeOf(row), eventKey: key, why }));
      continue;
    }
    left.delete(own);
    const why = 'the correction it belongs to says otherwise';
    found.push(
      ...changedEntry(own, 'wallet_id', own.wallet_id, BigInt(correction.get('wallet_id') ?? 0), why),
      ...changedEntry(own, 'kind', BigInt(own.kind), BigInt(kind), why),
      ...changedEntry(own, 'amount', own.amount, amount, why),
      ...changedEntry(own, 'content_hash', own.content_hash, 0n, why),
    );
  }
  for (const entry of left) found.push(insertedEntry(entry, `the ${row.kind} of its batch has no such entry`));
  return found;
}
