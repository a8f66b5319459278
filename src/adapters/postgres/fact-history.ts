import type pg from 'pg';
import type { History, HistoryBlock, HistoryEvent, KnownStatus } from '../../pipeline/backtest/history-event.ts';
import { decodeFacts, type StoredFact } from '../../pipeline/lane/facts-codec.ts';

/** Batches fetched at a time per lane: up to some megabytes, and few enough round trips. */
const BATCHES_PAGE = 8;

/** Events handed over at a time. */
const BLOCK_EVENTS = 4_096;

/** A lane as far as it has been read: the facts of the batch in hand, and the batches after it. */
interface LaneCursor {
  readonly batches: AsyncIterator<readonly StoredFact[]>;
  facts: readonly StoredFact[];
  at: number;
}

/**
 * The database's own past as history: the facts of every lane, merged by arrival. Batches that are written while it reads
 * are left out, so that two runs of one moment see the same.
 */
export async function openFactHistory(pool: pg.Pool, tenant: string): Promise<History> {
  const { rows } = await pool.query<{ lane: number; last: bigint; events: bigint }>(
    'select lane, max(batch_no) as last, sum(events)::bigint as events from batch_facts group by lane order by lane',
  );
  return {
    name: 'the database',
    eventsExpected: rows.reduce((sum, { events }) => sum + Number(events), 0),
    blocks: () =>
      merge(
        rows.map(({ lane, last }) => readLane(pool, lane, last)),
        tenant,
      ),
  };
}

async function* readLane(pool: pg.Pool, lane: number, last: bigint): AsyncGenerator<readonly StoredFact[]> {
  let after = -1n;
  const page = () =>
    pool.query<{ batch_no: bigint; facts: Buffer }>(
      'select batch_no, facts from batch_facts where lane = $1 and batch_no > $2 and batch_no <= $3 order by batch_no limit $4',
      [lane, after, last, BATCHES_PAGE],
    );
  let { rows } = await page();
  while (rows.length > 0) {
    const current = rows;
    after = current.at(-1)?.batch_no ?? after;
    // The next page travels while this one is decoded and played.
    const next = page();
    next.catch(() => undefined);
    for (const { facts } of current) yield decodeFacts(facts);
    rows = (await next).rows;
  }
}

async function* merge(
  lanes: readonly AsyncIterator<readonly StoredFact[]>[],
  tenant: string,
): AsyncGenerator<HistoryBlock> {
  const cursors: LaneCursor[] = lanes.map((batches) => ({ batches, facts: [], at: 0 }));
  const open: LaneCursor[] = [];
  for (const cursor of cursors) if (await fill(cursor)) open.push(cursor);
  let events: HistoryEvent[] = [];
  let index = 0;
  while (open.length > 0) {
    const { cursor, untilMs } = earliest(open);
    // Times never go back within a lane, so the run up to the next lane's head is in order as it stands.
    while (cursor.at < cursor.facts.length && timeAt(cursor) <= untilMs) {
      const fact = cursor.facts[cursor.at++];
      if (fact === undefined || fact.tenant !== tenant) continue;
      events.push(eventOf(fact, index++));
    }
    if (cursor.at >= cursor.facts.length && !(await fill(cursor))) open.splice(open.indexOf(cursor), 1);
    if (events.length < BLOCK_EVENTS) continue;
    yield { events, unreadable: [] };
    events = [];
  }
  yield { events, unreadable: [] };
}

/** The lane whose next event arrived first (the lower lane in a tie), and until when it may go on. */
function earliest(open: readonly LaneCursor[]): { readonly cursor: LaneCursor; readonly untilMs: number } {
  const [first, ...others] = open;
  if (first === undefined) throw new Error('no lane is open');
  let cursor = first;
  let untilMs = Number.POSITIVE_INFINITY;
  for (const other of others) {
    if (timeAt(other) < timeAt(cursor)) {
      untilMs = timeAt(cursor);
      cursor = other;
    } else if (timeAt(other) < untilMs) untilMs = timeAt(other);
  }
  return { cursor, untilMs };
}

function timeAt({ facts, at }: LaneCursor): number {
  return facts[at]?.ingestedAtMs ?? Number.POSITIVE_INFINITY;
}

/** Takes the lane's next batch with anything in it; false when there is none. */
async function fill(cursor: LaneCursor): Promise<boolean> {
  do {
    const next = await cursor.batches.next();
    if (next.done === true) return false;
    cursor.facts = next.value;
    cursor.at = 0;
  } while (cursor.facts.length === 0);
  return true;
}

const STATUSES: Readonly<Record<StoredFact['status'], KnownStatus>> = {
  posted: 'posted',
  duplicate: 'duplicate',
  altered: 'altered',
  too_late: 'too_late',
  in_future: 'in_future',
  unknown_meter: 'unknown_meter',
  // Whether it would be frozen is for the rules under test to say.
  frozen: 'posted',
  over_limit: 'stopped',
  throttled: 'stopped',
};

function eventOf(fact: StoredFact, index: number): HistoryEvent {
  const { id, source, account, meter, occurredAtMs } = fact;
  return {
    id,
    source,
    account,
    meter,
    quantity: Number(fact.quantity),
    occurredAtMs,
    arrivedAtMs: fact.ingestedAtMs,
    sequence: fact.sequence ?? undefined,
    properties: fact.properties ?? undefined,
    index,
    known: STATUSES[fact.status],
    knownNanos: fact.amount === null ? undefined : Number(fact.amount),
  };
}
