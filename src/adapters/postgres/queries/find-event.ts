import type pg from 'pg';
import { eventKeyOf, formatEventKey } from '../../../domain/events/event-key.ts';
import { addressOf, formatWalletId } from '../../../domain/ids.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import { type FoundEvent, foundEvent, type Occurrence } from '../../../pipeline/queries/found-event.ts';
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
  const entries = await readEntries(pool, keys, files);

  const known = new Set<QuarantinedRow>();
  const occurrences = keyed.map(({ located, key }) => {
    const row = quarantined.find((candidate) => isSame(candidate, located));
    if (row !== undefined) known.add(row);
    return fromFact(located, row, entries.get(row?.event_key ?? key), currency.get(located.fact.account) ?? null);
  });
  // Usage stays in quarantine for longer than the facts of its batch may be kept.
  for (const row of quarantined) if (!known.has(row)) occurrences.push(fromQuarantine(row, entries.get(row.event_key)));

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
  entry: StoredEntry | undefined,
  currency: string | null,
): Occurrence {
  const isQuarantined = fact.status !== 'posted' && fact.status !== 'duplicate';
  // Quarantined usage that was released since is posted: what became of it counts, not what happened first.
  const status = row?.status === 'posted' ? 'posted' : isQuarantined ? 'quarantined' : statusOf(fact.status);
  return {
    status,
    code: status === 'quarantined' ? (row?.reason ?? fact.status) : null,
    field: null,
    value: null,
    fix: null,
    tenant: fact.tenant,
    source: fact.source,
    account: fact.account,
    wallet: currency === null ? null : formatWalletId(addressOf(fact.tenant, fact.account, currency).walletId),
    meter: fact.meter,
    quantity: fact.quantity,
    amount: fact.amount,
    currency,
    occurredAtMs: fact.occurredAtMs,
    ingestedAtMs: fact.ingestedAtMs,
    batch: { lane, batchNo },
    quarantine: row === undefined ? null : quarantineOf(row),
    entry: status === 'posted' ? (entry ?? null) : null,
  };
}

function statusOf(status: string): 'posted' | 'duplicate' {
  return status === 'duplicate' ? 'duplicate' : 'posted';
}

function fromQuarantine(row: QuarantinedRow, entry: StoredEntry | undefined): Occurrence {
  return {
    status: row.status === 'posted' ? 'posted' : 'quarantined',
    code: row.status === 'posted' ? null : row.reason,
    field: null,
    value: null,
    fix: null,
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
    batch: { lane: row.lane, batchNo: Number(row.batch_no) },
    quarantine: quarantineOf(row),
    entry: entry ?? null,
  };
}

function quarantineOf(row: QuarantinedRow): Occurrence['quarantine'] {
  return {
    reason: row.reason,
    status: row.status,
    closedAtMs: row.closed_at?.getTime() ?? null,
    closedBy: row.closed_by,
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
