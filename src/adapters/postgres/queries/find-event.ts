import type pg from 'pg';
import { eventKeyOf, formatEventKey } from '../../../domain/events/event-key.ts';
import { addressOf, formatWalletId } from '../../../domain/ids.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import {
  type EventCorrection,
  type FoundEvent,
  foundEvent,
  type Occurrence,
} from '../../../pipeline/queries/found-event.ts';
import { readCorrections } from './event-corrections.ts';
import { readEntries, type StoredEntry } from './event-entries.ts';
import { findFacts, type LocatedFact } from './find-facts.ts';
import { findQuarantined, findRejected, type QuarantinedRow } from './find-refused.ts';

interface Filter {
  readonly tenant: string;
  readonly source?: string;
  readonly account?: string;
}

/** Finds every occurrence of an event id: among rejected events, in quarantine, and in the stored batches. */
export async function findEvent(
  pool: pg.Pool,
  id: string,
  filter: Filter,
  files: ArchiveFiles,
): Promise<FoundEvent | undefined> {
  const [rejected, quarantined, facts] = await Promise.all([
    findRejected(pool, id, filter.tenant),
    findQuarantined(pool, id, filter.tenant),
    findFacts(pool, id, filter.tenant),
  ]);
  const currency = await currencyOf(pool, filter.tenant, facts);
  const keyed = facts.map((located) => ({ located, key: keyOf(located) }));
  const keys = [...keyed.map(({ key }) => key), ...quarantined.map((row) => row.event_key)];
  const [entries, corrections] = await Promise.all([readEntries(pool, keys, files), readCorrections(pool, keys)]);

  const known = new Set<QuarantinedRow>();
  const occurrences = keyed.map(({ located, key }) => {
    const row = quarantined.find((candidate) => isSame(candidate, located));
    if (row !== undefined) known.add(row);
    const stored = row?.event_key ?? key;
    return fromFact(located, row, {
      key: stored,
      entry: entries.get(stored),
      currency: currency.get(located.fact.account) ?? null,
      corrections: corrections.get(stored) ?? [],
    });
  });
  // Usage stays in quarantine for longer than the facts of its batch may be kept.
  for (const row of quarantined) {
    if (known.has(row)) continue;
    occurrences.push(fromQuarantine(row, entries.get(row.event_key), corrections.get(row.event_key) ?? []));
  }

  const wanted = [...occurrences, ...rejected].filter(
    ({ source, account }) =>
      (filter.source === undefined || source === filter.source) &&
      (filter.account === undefined || account === filter.account),
  );
  return foundEvent(id, wanted);
}

function keyOf({ fact }: LocatedFact): string {
  return formatEventKey(eventKeyOf(fact));
}

/** A batch quarantines at a position, which is the event's place among the batch's facts. */
function isSame(row: QuarantinedRow, { lane, batchNo, position }: LocatedFact): boolean {
  return row.lane === lane && Number(row.batch_no) === batchNo && row.position === position;
}

function fromFact(
  { fact, lane, batchNo }: LocatedFact,
  row: QuarantinedRow | undefined,
  beside: {
    readonly key: string;
    readonly entry: StoredEntry | undefined;
    readonly currency: string | null;
    readonly corrections: readonly EventCorrection[];
  },
): Occurrence {
  const { key, entry, currency, corrections } = beside;
  const isQuarantined = fact.status !== 'posted' && fact.status !== 'duplicate';
  // Quarantined usage that was released since is posted: what became of it counts, not what happened first.
  const closed = row === undefined ? undefined : closedStatus(row);
  const status = closed ?? (isQuarantined ? 'quarantined' : statusOf(fact.status));
  return {
    key,
    status,
    code: status === 'quarantined' ? (row?.reason ?? fact.status) : null,
    field: null,
    value: null,
    fix: null,
    raw: null,
    tenant: fact.tenant,
    source: fact.source,
    account: fact.account,
    wallet: currency === null ? null : formatWalletId(addressOf(fact.tenant, fact.account, currency).walletId),
    meter: fact.meter,
    quantity: fact.quantity,
    // Usage without a price when it came has the one it was posted at.
    amount: row === undefined ? fact.amount : row.amount,
    currency,
    occurredAtMs: fact.occurredAtMs,
    ingestedAtMs: fact.ingestedAtMs,
    rejectedAtMs: null,
    batch: { lane, batchNo },
    quarantine: row === undefined ? null : quarantineOf(row),
    entry: status === 'posted' ? (entry ?? null) : null,
    corrections: status === 'posted' ? corrections : [],
  };
}

/** What became of usage that left quarantine for the ledger; undefined while it is, or ended, in quarantine. */
function closedStatus({ status }: QuarantinedRow): 'posted' | 'duplicate' | undefined {
  return status === 'posted' || status === 'duplicate' ? status : undefined;
}

function statusOf(status: string): 'posted' | 'duplicate' {
  return status === 'duplicate' ? 'duplicate' : 'posted';
}

function fromQuarantine(
  row: QuarantinedRow,
  entry: StoredEntry | undefined,
  corrections: readonly EventCorrection[],
): Occurrence {
  const status = closedStatus(row) ?? 'quarantined';
  return {
    key: row.event_key,
    status,
    code: status === 'quarantined' ? row.reason : null,
    field: null,
    value: null,
    fix: null,
    raw: null,
    tenant: row.tenant_id,
    source: row.source,
    account: row.account_id,
    wallet: row.wallet_id === null ? null : formatWalletId(row.wallet_id),
    meter: row.meter,
    quantity: row.quantity,
    amount: row.amount,
    currency: row.currency,
    occurredAtMs: row.event_time.getTime(),
    ingestedAtMs: row.ingested_at.getTime(),
    rejectedAtMs: null,
    batch: { lane: row.lane, batchNo: Number(row.batch_no) },
    quarantine: quarantineOf(row),
    entry: status === 'posted' ? (entry ?? null) : null,
    corrections: status === 'posted' ? corrections : [],
  };
}

function quarantineOf(row: QuarantinedRow): Occurrence['quarantine'] {
  return {
    reason: row.reason,
    status: row.status,
    closedAtMs: row.closed_at?.getTime() ?? null,
    closedBy: row.closed_by,
    closedReason: row.closed_reason,
    decisionId: row.decision_id,
  };
}

/** Facts do not name a currency; an account's first wallet does. */
async function currencyOf(
  pool: pg.Pool,
  tenant: string,
  facts: readonly LocatedFact[],
): Promise<ReadonlyMap<string, string>> {
  const accounts = [...new Set(facts.map(({ fact }) => fact.account))];
  const { rows } = await pool.query<{ account_id: string; currency: string }>(
    `select distinct on (account_id) account_id, currency from wallet
     where tenant_id = $1 and account_id = any($2::text[]) order by account_id, opened_at, currency`,
    [tenant, accounts],
  );
  return new Map(rows.map((row) => [row.account_id, row.currency]));
}
