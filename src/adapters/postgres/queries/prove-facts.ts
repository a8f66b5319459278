import type pg from 'pg';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import { chargeFor } from '../../../domain/money/price.ts';
import { parseQuantity } from '../../../domain/money/quantity.ts';
import type { Ruleset } from '../../../domain/rules/ruleset.ts';
import { decodeFacts, type StoredFact } from '../../../pipeline/lane/facts-codec.ts';
import type { Proof } from '../../../pipeline/queries/queries.ts';
import { counted, exactAmount } from './proof-text.ts';
import { ResidueProof } from './prove-residue.ts';

/** Stored batches decoded at a time. */
const FACTS_PAGE = 50;

interface BatchRow {
  readonly lane: number;
  readonly batch_no: bigint;
  readonly priced: bigint;
  readonly events: number;
  readonly posted: number;
  readonly duplicate: number;
  readonly quarantined: number;
  readonly ruleset_hash: string | null;
  readonly facts: Buffer | null;
}

interface Totals {
  batches: number;
  wrongBatches: string[];
  priced: bigint;
  facts: bigint;
  events: number;
  posted: number;
  duplicate: number;
  quarantined: number;
  countsDiffer: number;
  repriced: number;
  withoutFacts: number;
  readonly residues: ResidueProof;
}

/**
 * The stored events, priced again, against the batches' own sums and the entries; and every event's status against the
 * counts. Facts are read a page at a time, so the size of the history is no limit.
 */
export async function proveFacts(client: pg.PoolClient, ruleset: Ruleset | undefined): Promise<readonly Proof[]> {
  const totals: Totals = {
    batches: 0,
    wrongBatches: [],
    priced: 0n,
    facts: 0n,
    events: 0,
    posted: 0,
    duplicate: 0,
    quarantined: 0,
    countsDiffer: 0,
    repriced: 0,
    withoutFacts: 0,
    residues: new ResidueProof(),
  };
  for await (const batch of usageBatches(client)) addBatch(totals, batch, ruleset);
  const entries = await sumEntries(client);
  const residues = await totals.residues.prove(client, ruleset?.pricing.currency);
  return [priceProof(totals, entries), countProof(totals, entries), residues];
}

function priceProof(totals: Totals, entries: Entries): Proof {
  const sums = `facts ${exactAmount(totals.facts)}, batches ${exactAmount(totals.priced)}, entries ${exactAmount(entries.charged)}`;
  const how =
    totals.repriced === totals.batches
      ? 'priced again from the events'
      : `priced again for ${counted(totals.repriced)} of ${counted(totals.batches)} batches, the rest from the stored amounts (other ruleset)`;
  const wrong = totals.wrongBatches.length === 0 ? '' : `; wrong: ${totals.wrongBatches.slice(0, 3).join(', ')}`;
  const gone = totals.withoutFacts === 0 ? '' : `; ${counted(totals.withoutFacts)} batches without facts`;
  return {
    name: 'priced facts are what was charged',
    ok: totals.wrongBatches.length === 0 && totals.facts === totals.priced && totals.priced === entries.charged,
    detail: `${sums} (${how})${wrong}${gone}`,
  };
}

function countProof(totals: Totals, entries: Entries): Proof {
  const { events, posted, duplicate, quarantined } = totals;
  return {
    name: 'every event has one status',
    ok:
      totals.countsDiffer === 0 &&
      events === posted + duplicate + quarantined &&
      entries.count === posted &&
      entries.quarantined === quarantined,
    detail:
      `${counted(events)} events in batches = ${counted(posted)} posted + ${counted(duplicate)} duplicate + ${counted(quarantined)} quarantined; ` +
      `${counted(entries.count)} usage entries, ${counted(entries.quarantined)} quarantine rows. ${refusedText(entries.rejected)}`,
  };
}

/** Why there are fewer events in batches than were sent. */
function refusedText(rejected: number): string {
  if (rejected === 0) return 'None was rejected.';
  return `${counted(rejected)} more ${rejected === 1 ? 'was' : 'were'} rejected, and what is rejected is in no batch.`;
}

async function* usageBatches(client: pg.PoolClient): AsyncIterable<BatchRow> {
  let after: readonly [number, bigint] = [-1, 0n];
  for (;;) {
    const { rows }: { rows: BatchRow[] } = await client.query<BatchRow>(
      `select b.lane, b.batch_no, b.priced, b.events, b.posted, b.duplicate, b.quarantined, b.ruleset_hash, f.facts
       from batch b left join batch_facts f using (lane, batch_no)
       where b.kind = 'usage' and (b.lane, b.batch_no) > ($1, $2) order by b.lane, b.batch_no limit $3`,
      [...after, FACTS_PAGE],
    );
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < FACTS_PAGE) return;
    after = [last.lane, last.batch_no];
  }
}

function addBatch(totals: Totals, batch: BatchRow, ruleset: Ruleset | undefined): void {
  totals.batches++;
  totals.priced += batch.priced;
  totals.events += batch.events;
  totals.posted += batch.posted;
  totals.duplicate += batch.duplicate;
  totals.quarantined += batch.quarantined;
  if (batch.facts === null) {
    totals.withoutFacts++;
    totals.facts += batch.priced;
    return;
  }
  // Prices may have changed since: only the ruleset the batch was made with prices it again.
  const book = ruleset !== undefined && ruleset.hash === batch.ruleset_hash ? ruleset.pricing : undefined;
  if (book !== undefined) totals.repriced++;
  const facts = decodeFacts(batch.facts);
  let sum = 0n;
  let [posted, duplicate] = [0, 0];
  for (const fact of facts) {
    if (fact.status === 'duplicate') duplicate++;
    if (fact.status !== 'posted') continue;
    posted++;
    sum += paidFor(totals, book, fact);
  }
  totals.facts += sum;
  if (sum !== batch.priced) totals.wrongBatches.push(`lane ${batch.lane} batch ${batch.batch_no}`);
  const quarantined = facts.length - posted - duplicate;
  if (posted !== batch.posted || duplicate !== batch.duplicate || quarantined !== batch.quarantined)
    totals.countsDiffer++;
}

/**
 * What was paid for an event, if that can be: its price now, or a nano more or less for what the wallet carried. Another
 * amount, or a charge that cannot be made again, makes the sums differ.
 */
function paidFor(totals: Totals, book: Ruleset['pricing'] | undefined, fact: StoredFact): bigint {
  const paid = fact.amount ?? 0n;
  if (book === undefined) {
    totals.residues.skip(fact);
    return paid;
  }
  const quantity = parseQuantity(fact.quantity);
  if (typeof quantity === 'string') return 0n;
  const exact = chargeFor(book, { ...fact, quantity });
  if (typeof exact === 'string') return 0n;
  totals.residues.add(fact, exact);
  const apart = paid - exact.nanos;
  const fits = exact.attos === 0n ? apart === 0n : apart <= 1n && apart >= -1n;
  return fits ? paid : exact.nanos;
}

interface Entries {
  readonly charged: bigint;
  readonly count: number;
  readonly quarantined: number;
  readonly rejected: number;
}

async function sumEntries(client: pg.PoolClient): Promise<Entries> {
  const { rows } = await client.query<{ charged: bigint; count: bigint; quarantined: bigint; rejected: bigint }>(
    `select coalesce(-sum(amount), 0)::bigint as charged, coalesce(sum(entries), 0)::bigint as count,
       (select count(*) from quarantine) as quarantined, (select count(*) from rejected_event) as rejected
     from ledger_leg where kind in ($1, $2)`,
    [ENTRY_KIND.usage, ENTRY_KIND.fact],
  );
  const row = rows[0];
  return {
    charged: row?.charged ?? 0n,
    count: Number(row?.count ?? 0n),
    quarantined: Number(row?.quarantined ?? 0n),
    rejected: Number(row?.rejected ?? 0n),
  };
}
