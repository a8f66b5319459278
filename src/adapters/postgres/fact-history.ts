import type pg from 'pg';
import { ENTRY_KIND } from '../../domain/ledger/wallet.ts';
import type { History, HistoryBlock, HistoryEvent, KnownStatus } from '../../pipeline/backtest/history-event.ts';
import { decodeFacts, type StoredFact } from '../../pipeline/lane/facts-codec.ts';

/** Batches fetched at a time per lane: up to some megabytes, and few enough round trips. */
const BATCHES_PAGE = 8;

/** Events handed over at a time. */
const BLOCK_EVENTS = 4_096;

/** A batch of a lane, and what had moved its wallets by then. */
interface LaneBatch {
  readonly facts: readonly StoredFact[];
  /** By account, nano-units, of the tenant in question; undefined where nobody knows. */
  readonly credit: ReadonlyMap<string, number> | undefined;
}

/** A lane as far as it has been read: the facts of the batch in hand, and the batches after it. */
interface LaneCursor {
  readonly batches: AsyncIterator<LaneBatch>;
  facts: readonly StoredFact[];
  credit: LaneBatch['credit'];
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
  const moves = await readMoves(pool, tenant);
  return {
    name: 'the database',
    eventsExpected: rows.reduce((sum, { events }) => sum + Number(events), 0),
    blocks: () =>
      merge(
        rows.map(({ lane, last }) => readLane(pool, lane, last, moves?.get(lane) ?? moves?.get(NO_LANE))),
        tenant,
      ),
  };
}

/** Something other than usage that moved a wallet. */
interface Move {
  readonly batchNo: bigint;
  readonly account: string;
  readonly amount: number;
}

/**
 * What moved the tenant's wallets besides usage, by lane, in the order it happened: top-ups, refunds, released usage and the
 * like, which are few beside usage. Undefined when entries have been archived: their days are then not all here.
 */
async function readMoves(pool: pg.Pool, tenant: string): Promise<ReadonlyMap<number, readonly Move[]> | undefined> {
  const archived = await pool.query(`select from archived_day where state = 'archived' limit 1`);
  if (archived.rows.length > 0) return undefined;
  const { rows } = await pool.query<{ lane: number; batch_no: bigint; account_id: string; amount: bigint }>(
    `select e.lane, e.batch_no, w.account_id, sum(e.amount)::bigint as amount from entry e join wallet w using (wallet_id)
     where w.tenant_id = $1 and e.kind <> all($2) and e.amount <> 0
     group by e.lane, e.batch_no, w.account_id order by e.lane, e.batch_no`,
    [tenant, [ENTRY_KIND.usage, ENTRY_KIND.fact]],
  );
  const byLane = new Map<number, Move[]>([[NO_LANE, []]]);
  for (const { lane, batch_no: batchNo, account_id: account, amount } of rows) {
    const move = { batchNo, account, amount: Number(amount) };
    const known = byLane.get(lane);
    if (known === undefined) byLane.set(lane, [move]);
    else known.push(move);
  }
  return byLane;
}

/** A lane that nothing but usage has moved. */
const NO_LANE = -1;

async function* readLane(
  pool: pg.Pool,
  lane: number,
  last: bigint,
  moves: readonly Move[] | undefined,
): AsyncGenerator<LaneBatch> {
  const credit = moves === undefined ? undefined : new Map<string, number>();
  let moved = 0;
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
    for (const { facts, batch_no: batchNo } of current) {
      for (let move = moves?.[moved]; move !== undefined && move.batchNo <= batchNo; move = moves?.[++moved])
        credit?.set(move.account, (credit.get(move.account) ?? 0) + move.amount);
      yield { facts: decodeFacts(facts), credit };
    }
    rows = (await next).rows;
  }
}

async function* merge(lanes: readonly AsyncIterator<LaneBatch>[], tenant: string): AsyncGenerator<HistoryBlock> {
  const cursors: LaneCursor[] = lanes.map((batches) => ({ batches, facts: [], credit: undefined, at: 0 }));
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
      events.push(eventOf(fact, index++, cursor.credit));
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
    cursor.facts = next.value.facts;
    cursor.credit = next.value.credit;
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
  throttled: 'throttled',
};

function eventOf(fact: StoredFact, index: number, credit: LaneBatch['credit']): HistoryEvent {
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
    creditNanos: credit === undefined ? undefined : (credit.get(account) ?? 0),
  };
}
