import { contentHashOf, eventKeyOf, formatEventKey } from '../../../domain/events/event-key.ts';
import type { UsageEvent } from '../../../domain/events/usage-event.ts';
import { addressOf, derivedId, formatWalletId } from '../../../domain/ids.ts';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import { chargeFor } from '../../../domain/money/price.ts';
import { parseQuantity } from '../../../domain/money/quantity.ts';
import type { Ruleset } from '../../../domain/rules/ruleset.ts';
import { idFilterOf, type StoredFact } from '../../../pipeline/lane/facts-codec.ts';
import { finding, type LedgerFinding } from '../../../pipeline/queries/ledger-finding.ts';
import { checkOtherEntries } from './check-entry.ts';
import type { EntryRow, QuarantineRow, StoredBatch } from './stored-batch.ts';

/** What a usage batch is compared under. */
export interface UsageContext {
  readonly ruleset: Ruleset | undefined;
  /** Currency of wallets that are not there to ask. */
  readonly currency: string;
  /** The entries have their root and the facts do not: then the facts are what was changed. */
  readonly factsAreWrong: boolean;
  /** Whether the entry of a key is in an archive file that is not here. */
  readonly isAway: (eventKey: string) => boolean;
}

/** Compares the entries, quarantined usage and counts of a usage batch with its stored events, one by one. */
export function checkUsage(
  batch: StoredBatch,
  facts: readonly StoredFact[],
  context: UsageContext,
): readonly LedgerFinding[] {
  const entries = new Map(batch.entries.map((row) => [row.event_key, row]));
  const refused = new Map(batch.quarantine.map((row) => [row.position, row]));
  // A row whose position was changed is still known by its key.
  const byKey = new Map(batch.quarantine.map((row) => [row.event_key, row]));
  const found: LedgerFinding[] = [];
  for (const [position, fact] of facts.entries()) {
    if (fact.status === 'posted') {
      const key = formatEventKey(eventKeyOf(fact));
      found.push(...checkEntry(batch, fact, entries.get(key), context));
      entries.delete(key);
    } else if (fact.status !== 'duplicate') {
      const row = refused.get(position) ?? byKey.get(refusedKey(fact));
      found.push(...checkRefused(batch, fact, position, row, context));
      if (row !== undefined) refused.delete(row.position);
    }
  }
  found.push(...checkOtherEntries(batch, [...entries.values()]));
  for (const row of refused.values()) {
    found.push(
      finding({
        what: 'inserted',
        table: 'quarantine',
        ...placeOfRefused(row),
        why: 'no event of its batch was refused there',
      }),
    );
  }
  found.push(...checkCounts(batch, facts));
  return found;
}

function checkEntry(
  batch: StoredBatch,
  fact: StoredFact,
  row: EntryRow | undefined,
  { ruleset, currency, factsAreWrong, isAway }: UsageContext,
): readonly LedgerFinding[] {
  const eventKey = formatEventKey(eventKeyOf(fact));
  const { walletId } = addressOf(fact.tenant, fact.account, row?.currency ?? currency);
  const about = { ...placeOf(batch.row), account: fact.account, eventKey, eventId: fact.id };
  if (row === undefined && isAway(eventKey)) return [];
  if (row === undefined) {
    const why = factsAreWrong
      ? 'the entries have their root, the stored events do not: an event was added or made into another'
      : `the event was posted for ${-(fact.amount ?? 0n)} nanos, and its entry is not there`;
    const table = factsAreWrong ? 'batch_facts' : 'entry';
    return [
      finding({ what: factsAreWrong ? 'inserted' : 'missing', table, ...about, wallet: formatWalletId(walletId), why }),
    ];
  }
  const kind =
    kindOf(fact, ruleset) ?? (row.kind === ENTRY_KIND.fact && row.amount === 0n ? row.kind : ENTRY_KIND.usage);
  const pairs = [
    ['wallet_id', 'account', row.wallet_id, walletId],
    ['amount', 'amount', row.amount, -(fact.amount ?? 0n)],
    ['content_hash', 'content', row.content_hash, contentHashOf(eventOf(fact))],
    ['kind', 'meter', BigInt(row.kind), BigInt(kind)],
  ] as const;
  return pairs.flatMap(([column, inFacts, stored, expected]) => {
    if (stored === expected) return [];
    const place = { ...about, wallet: formatWalletId(row.wallet_id), sequence: row.seq.toString() };
    if (!factsAreWrong) {
      const values = { stored: stored.toString(), expected: expected.toString() };
      return [
        finding({
          what: 'changed',
          table: 'entry',
          column,
          ...values,
          ...place,
          why: 'the stored event says otherwise',
        }),
      ];
    }
    const values = { stored: expected.toString(), expected: stored.toString() };
    const why = `${inFacts} of the stored event differs from its entry, and the entry is as it was written`;
    return [finding({ what: 'changed', table: 'batch_facts', column: 'facts', ...values, ...place, why })];
  });
}

function kindOf(fact: StoredFact, ruleset: Ruleset | undefined): number | undefined {
  const meter = ruleset?.pricing.meters.get(fact.meter);
  if (meter === undefined) return undefined;
  return meter.kind === 'fact' ? ENTRY_KIND.fact : ENTRY_KIND.usage;
}

/** An altered copy is quarantined under a key of its own. */
function refusedKey(fact: StoredFact): string {
  return formatEventKey(eventKeyOf(fact, fact.status === 'altered' ? contentHashOf(eventOf(fact)) : undefined));
}

/** Usage that was to be posted and did not fit waits for what it lacks since: for credit, or for a period with room. */
function waitsInstead(first: string, since: string): boolean {
  const isMovable = first === 'frozen' || first === 'over_limit' || first === 'throttled';
  return isMovable && (since === 'over_limit' || since === 'throttled');
}

function checkRefused(
  batch: StoredBatch,
  fact: StoredFact,
  position: number,
  row: QuarantineRow | undefined,
  { currency, ruleset }: UsageContext,
): readonly LedgerFinding[] {
  const contentHash = contentHashOf(eventOf(fact));
  const key = refusedKey(fact);
  if (row === undefined) {
    const about = { ...placeOf(batch.row), account: fact.account, eventKey: key, eventId: fact.id };
    return [
      finding({
        what: 'missing',
        table: 'quarantine',
        ...about,
        why: `event ${position} of the batch was refused: ${fact.status}`,
      }),
    ];
  }
  const reason = waitsInstead(fact.status, row.reason) ? row.reason : fact.status;
  const expected: Readonly<Record<string, string | null>> = {
    event_key: key,
    position: String(position),
    wallet_id: addressOf(fact.tenant, fact.account, currency).walletId.toString(),
    tenant_id: fact.tenant,
    account_id: fact.account,
    reason,
    // What had no price when it came is posted with the one it has then.
    amount: (fact.amount ?? (row.status === 'posted' ? row.amount : null))?.toString() ?? null,
    residue: restOf(batch, fact, ruleset)?.toString() ?? row.residue.toString(),
    content_hash: contentHash.toString(),
    event_id: fact.id,
    source: fact.source,
    meter: fact.meter,
    event_time: (BigInt(fact.occurredAtMs) * 1_000n).toString(),
    ingested_at: (BigInt(fact.ingestedAtMs) * 1_000n).toString(),
    event: canonicalEvent(fact),
    decision_id: decisionOf(batch, fact, contentHash),
  };
  const stored: Readonly<Record<string, string | null>> = {
    event_key: row.event_key,
    position: String(row.position),
    wallet_id: row.wallet_id?.toString() ?? null,
    tenant_id: row.tenant_id,
    account_id: row.account_id,
    reason: row.reason,
    amount: row.amount?.toString() ?? null,
    residue: row.residue.toString(),
    content_hash: row.content_hash.toString(),
    event_id: row.event_id,
    source: row.source,
    meter: row.meter,
    event_time: row.event_us.toString(),
    ingested_at: row.ingested_us.toString(),
    event: canonicalText(row.event),
    decision_id: row.decision_id,
  };
  return Object.keys(expected).flatMap((column) =>
    stored[column] === expected[column]
      ? []
      : [
          finding({
            what: 'changed',
            table: 'quarantine',
            column,
            stored: stored[column] ?? null,
            expected: expected[column] ?? null,
            ...placeOfRefused(row),
            why: 'the stored event says otherwise',
          }),
        ],
  );
}

/** What rounding a refused event's price leaves; undefined when its price is not known any more. */
function restOf({ row }: StoredBatch, fact: StoredFact, ruleset: Ruleset | undefined): bigint | undefined {
  if (fact.amount === null) return 0n;
  if (ruleset === undefined || ruleset.hash !== row.ruleset_hash) return undefined;
  const quantity = parseQuantity(fact.quantity);
  if (typeof quantity === 'string') return undefined;
  const charge = chargeFor(ruleset.pricing, { ...fact, quantity });
  return typeof charge === 'string' ? undefined : charge.attos;
}

/** The decision that the event led to, when its batch recorded one. */
function decisionOf({ row, records }: StoredBatch, fact: StoredFact, contentHash: bigint): string | null {
  const key = formatEventKey(eventKeyOf(fact));
  const decisionId = derivedId('dec', [key, contentHash.toString(), row.ruleset_hash ?? '']);
  return records.some(({ record }) => record[0] === 'decision' && record[1] === decisionId) ? decisionId : null;
}

function checkCounts({ row }: StoredBatch, facts: readonly StoredFact[]): readonly LedgerFinding[] {
  const posted = facts.filter(({ status }) => status === 'posted');
  const duplicate = facts.filter(({ status }) => status === 'duplicate').length;
  const priced = posted.reduce((sum, { amount }) => sum + (amount ?? 0n), 0n);
  const pairs = [
    ['batch', 'events', BigInt(row.events), BigInt(facts.length)],
    ['batch', 'posted', BigInt(row.posted), BigInt(posted.length)],
    ['batch', 'duplicate', BigInt(row.duplicate), BigInt(duplicate)],
    ['batch', 'quarantined', BigInt(row.quarantined), BigInt(facts.length - posted.length - duplicate)],
    ['batch', 'priced', row.priced, priced],
    ['batch_facts', 'events', BigInt(row.fact_events ?? -1), BigInt(facts.length)],
  ] as const;
  const found = pairs.flatMap(([table, column, stored, expected]) =>
    stored === expected
      ? []
      : [
          finding({
            what: 'changed',
            table,
            column,
            stored: stored.toString(),
            expected: expected.toString(),
            ...placeOf(row),
            why: 'the stored events add up to something else',
          }),
        ],
  );
  const filter = idFilterOf(facts.map(({ id }) => id));
  if (row.id_filter?.equals(filter) === true) return found;
  const why = 'the filter does not fit the ids of the stored events, so look-ups could miss them';
  return [...found, finding({ what: 'changed', table: 'batch_facts', column: 'id_filter', ...placeOf(row), why })];
}

/** Where a batch or one of its rows is. */
export function placeOf({ lane, batch_no }: { readonly lane: number; readonly batch_no: bigint }) {
  return { lane, batch: batch_no.toString() };
}

function placeOfRefused(row: QuarantineRow) {
  const wallet = row.wallet_id === null ? null : formatWalletId(row.wallet_id);
  return { ...placeOf(row), account: row.account_id, wallet, eventKey: row.event_key, eventId: row.event_id };
}

function eventOf(fact: StoredFact): UsageEvent {
  const { id, source, tenant, account, meter, occurredAtMs, sequence, properties } = fact;
  const quantity = { text: fact.quantity, coefficient: 0n, decimals: 0, approximate: 0 };
  return {
    id,
    source,
    tenant,
    account,
    meter,
    occurredAtMs,
    quantity,
    ...(sequence === null ? {} : { sequence }),
    ...(properties === null ? {} : { properties }),
  };
}

/** The event as quarantine keeps it, with its names in order. */
function canonicalEvent(fact: StoredFact): string {
  return canonicalText(JSON.stringify({ ...eventOf(fact), quantity: fact.quantity }));
}

function canonicalText(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    return JSON.stringify(Object.entries(Object(value)).sort(([left], [right]) => (left < right ? -1 : 1)));
  } catch {
    return json;
  }
}
