import { eventKeyOf, formatEventKey } from '../../../domain/events/event-key.ts';
import { formatWalletId } from '../../../domain/ids.ts';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import { parseJsonObject } from '../../../json-object.ts';
import { finding, type LedgerFinding } from '../../../pipeline/queries/ledger-finding.ts';
import { checkCorrection } from './check-correction.ts';
import { changedEntry, checkOtherEntries, insertedEntry } from './check-entry.ts';
import { checkSetEntries } from './check-set.ts';
import { placeOf } from './check-usage.ts';
import type { EntryRow, StoredBatch } from './stored-batch.ts';

/** The one entry that each of these changes has. */
const ENTRY_OF: Readonly<Record<string, number>> = {
  topup: ENTRY_KIND.topup,
  grant: ENTRY_KIND.grant,
  freeze: ENTRY_KIND.freeze,
  thaw: ENTRY_KIND.thaw,
  refund: ENTRY_KIND.refund,
  dispute: ENTRY_KIND.dispute,
  reinstate: ENTRY_KIND.reinstated,
  correct: ENTRY_KIND.correction,
  capture: ENTRY_KIND.captured,
};

/** What changes nothing of a balance. */
const WITHOUT_ENTRIES = ['void', 'limit'];

/** Compares an administrative change with its line of the audit log, its entries, and the usage it released. */
export function checkChange(batch: StoredBatch): readonly LedgerFinding[] {
  // Of entries that are in a file which is not here, the sums are compared with the other legs.
  return [...checkAudit(batch), ...(batch.away.length > 0 ? [] : checkEntries(batch)), ...checkCorrection(batch)];
}

/** The sums of a batch's two sides, in every currency. */
export function checkSides(batch: StoredBatch): readonly LedgerFinding[] {
  const { row, contra } = batch;
  const sides = new Map<string, { entries: bigint; contra: bigint; legs: number }>();
  const side = (currency: string) => {
    const known = sides.get(currency) ?? { entries: 0n, contra: 0n, legs: 0 };
    sides.set(currency, known);
    return known;
  };
  for (const { currency, amount } of [...batch.entries, ...batch.away]) side(currency ?? '?').entries += amount;
  for (const { currency, amount } of contra) {
    side(currency).contra += amount;
    side(currency).legs++;
  }
  return [...sides].flatMap(([currency, sum]) => {
    if (sum.entries + sum.contra === 0n) return [];
    const said = {
      ...placeOf(row),
      table: 'batch_contra',
      column: batch.entries.some((entry) => entry.currency === currency) ? 'amount' : 'currency',
      stored: sum.contra.toString(),
      expected: (-sum.entries).toString(),
    };
    const why = `entries in ${currency} sum to ${sum.entries} nanos, the other legs to ${sum.contra}`;
    return [finding({ what: sum.legs === 0 ? 'missing' : 'changed', ...said, why })];
  });
}

function checkAudit({ row, records }: StoredBatch): readonly LedgerFinding[] {
  const lines = records.filter(({ record }) => record[0] === 'audit').map(({ record }) => record.map(String));
  const [line] = lines;
  if (line === undefined) {
    return [
      finding({ what: 'missing', table: 'audit_log', ...placeOf(row), why: `nothing says who made this ${row.kind}` }),
    ];
  }
  const [, , actor = '', action = '', , detailText = '', at = ''] = line;
  const detail = parseJsonObject(detailText) ?? {};
  const said = (value: unknown) => (typeof value === 'string' ? value : null);
  const pairs = [
    ['actor', row.actor, actor],
    ['kind', `wallet.${row.kind}`, action],
    ['reason', row.reason, said(detail.reason)],
    ['posted_at', `${row.posted_at.toISOString().slice(0, -1)}${String(row.posted_us).padStart(3, '0')}Z`, at],
    ...(row.idempotency_key === null ? [] : [['idempotency_key', row.idempotency_key, said(detail.key)] as const]),
  ] as const;
  return pairs.flatMap(([column, stored, expected]) =>
    stored === expected
      ? []
      : [
          finding({
            what: 'changed',
            table: 'batch',
            column,
            stored,
            expected,
            ...placeOf(row),
            why: 'batch and audit log disagree; one of them was changed',
          }),
        ],
  );
}

function checkEntries(batch: StoredBatch): readonly LedgerFinding[] {
  const { row, entries } = batch;
  if (row.kind === 'release') return [...entries.flatMap(checkReleased), ...checkCounts(batch)];
  if (WITHOUT_ENTRIES.includes(row.kind)) {
    return [...entries.map((entry) => insertedEntry(entry, `a ${row.kind} charges nothing`)), ...checkCounts(batch)];
  }
  if (row.kind === 'set') return [...checkSetEntries(batch), ...checkCounts(batch)];
  if (row.kind === 'expire') return [...checkOtherEntries(batch, entries), ...checkCounts(batch)];
  if (row.kind === 'reversal' || row.kind === 'amend') return checkCounts(batch);
  const kind = ENTRY_OF[row.kind];
  // A kind of change that this version does not know is held by its seal alone.
  if (kind === undefined) return [];
  const key = requestKeyOf(batch);
  const own = entries.find((entry) => key === undefined || entry.event_key === key);
  const counts = checkCounts(batch);
  const others = entries.filter((entry) => entry !== own);
  const strangers = others.map((entry) => insertedEntry(entry, `a ${row.kind} has one entry, under its request's key`));
  if (own === undefined) {
    const why = `the ${row.kind} has no entry under its request's key`;
    return [
      ...counts,
      ...strangers,
      finding({ what: 'missing', table: 'entry', ...placeOf(row), eventKey: key ?? null, why }),
    ];
  }
  const amount = -batch.contra.reduce((sum, leg) => sum + leg.amount, 0n);
  const pairs = [
    ['kind', BigInt(own.kind), BigInt(kind)],
    ['amount', own.amount, amount],
    ['content_hash', own.content_hash, 0n],
  ] as const;
  return [
    ...counts,
    ...strangers,
    ...pairs.flatMap(([column, is, must]) => changedEntry(own, column, is, must, `a ${row.kind} says so`)),
  ];
}

function requestKeyOf({ row, entries }: StoredBatch): string | undefined {
  if (row.idempotency_key === null) return undefined;
  const tenant = entries[0]?.tenant_id ?? 'default';
  const occurredAtMs = row.posted_at.getTime();
  return formatEventKey(eventKeyOf({ tenant, source: 'tollkeeper', id: row.idempotency_key, occurredAtMs }));
}

function checkReleased(entry: EntryRow): readonly LedgerFinding[] {
  if (entry.q_status === null) return [insertedEntry(entry, 'no quarantined usage has this key')];
  if (entry.q_amount === null) return [];
  const why = 'the quarantined usage it was made from says otherwise';
  const found = [
    ...changedEntry(entry, 'kind', BigInt(entry.kind), BigInt(ENTRY_KIND.released), why),
    ...changedEntry(entry, 'content_hash', entry.content_hash, entry.q_hash ?? 0n, why),
  ];
  if (entry.q_status === 'posted') return found;
  const about = { account: entry.account_id, wallet: formatWalletId(entry.wallet_id), eventKey: entry.event_key };
  const values = { stored: entry.q_status, expected: 'posted' };
  const said = { table: 'quarantine', column: 'status', ...values, ...placeOf(entry), ...about };
  return [...found, finding({ what: 'changed', ...said, why: 'its usage was charged by this batch' })];
}

/** Counts and sums of a kind of change that is known: what was not usage has none. */
function checkCounts({ row, entries }: StoredBatch): readonly LedgerFinding[] {
  const isRelease = row.kind === 'release';
  const isCorrection = row.kind === 'reversal' || row.kind === 'amend';
  const released = isRelease ? BigInt(entries.length) : 0n;
  const charged = -entries.reduce((sum, entry) => sum + entry.amount, 0n);
  const pairs = [
    ...(row.kind === 'void' ? [] : [['events', BigInt(row.events), isCorrection ? 1n : released] as const]),
    ['posted', BigInt(row.posted), released],
    ['duplicate', BigInt(row.duplicate), 0n],
    ['quarantined', BigInt(row.quarantined), 0n],
    ['priced', row.priced, isRelease || isCorrection ? charged : 0n],
  ] as const;
  return pairs.flatMap(([column, stored, expected]) => {
    if (stored === expected) return [];
    const values = { column, stored: stored.toString(), expected: expected.toString() };
    const why = isRelease || isCorrection ? 'the entries it posted say otherwise' : `a ${row.kind} has none`;
    return [finding({ what: 'changed', table: 'batch', ...values, ...placeOf(row), why })];
  });
}
