import type pg from 'pg';
import { eventKeyOf, formatEventKey, parseEventKey } from '../../../domain/events/event-key.ts';
import { holdKey } from '../../../domain/ledger/hold.ts';
import { ENTRY_KIND, entryKindName } from '../../../domain/ledger/wallet.ts';
import { parseJsonObject } from '../../../json-object.ts';
import { decodeFacts, type StoredFact } from '../../../pipeline/lane/facts-codec.ts';
import type { StatementEntry, StatementWallet } from '../../../pipeline/statement/statement.ts';
import { readCursor } from '../queries/read-cursor.ts';

/** An entry, wherever it is, with its batch. */
export interface ReadRow {
  readonly event_key: string;
  readonly seq: bigint;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly content_hash: bigint;
  readonly kind: number;
  readonly lane: number;
  readonly batch_no: bigint;
  readonly posted_at: Date;
  readonly batch_kind: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly idempotency_key: string | null;
  readonly usage: string | null;
  /** Of an entry that charges a hold: the holds it may be about, one of which it is. */
  readonly holds: readonly string[] | null;
}

/** The hold that the batch `b` of an entry says it has charged. Unlike the hold's own row, the line is never deleted. */
export function holdsSql(kind: string): string {
  return `case when ${kind} = ${ENTRY_KIND.captured} then (select array_agg(l.detail ->> 'hold') from audit_log l
    where l.lane = b.lane and l.batch_no = b.batch_no) end`;
}

const PAGE = 1_000;

/** What an entry says beside its numbers. */
type Told = Pick<StatementEntry, 'eventId' | 'source' | 'meter' | 'quantity' | 'event'>;

const UNTOLD: Told = { eventId: null, source: null, meter: null, quantity: null, event: null };

/** Which numbers of a wallet's entries. */
export interface EntryRange {
  readonly after: bigint;
  readonly through: bigint;
  /** At most so many, the newest first; all of them in order without it. */
  readonly newestFirst?: number;
}

/**
 * A wallet's entries of these numbers, a page at a time, with the events behind them as far as those are stored. Inside the
 * caller's database transaction. Entries of archived days come from their files; `archived` are those that were read.
 */
export async function* readEntries(
  client: pg.PoolClient,
  wallet: Pick<StatementWallet, 'walletId' | 'account' | 'tenant'>,
  range: EntryRange,
  archived: readonly ReadRow[],
): AsyncGenerator<readonly StatementEntry[]> {
  const { after, through, newestFirst } = range;
  const order = newestFirst === undefined ? 'order by e.seq' : `order by e.seq desc limit ${Math.trunc(newestFirst)}`;
  const attached = readCursor<ReadRow>(client, {
    name: 'statement_entry',
    page: PAGE,
    // The driver takes no parameters for a cursor; these are our own integers.
    sql: `select e.event_key, e.seq, e.amount, e.balance_after, e.content_hash, e.kind, e.lane, e.batch_no, b.posted_at,
        b.kind as batch_kind, b.actor, b.reason, b.idempotency_key, q.event as usage,
        ${holdsSql('e.kind')} as holds
      from entry e join batch b using (lane, batch_no)
      left join quarantine q on e.kind = ${ENTRY_KIND.released} and q.event_key = e.event_key
      where e.wallet_id = ${wallet.walletId} and e.seq > ${after} and e.seq <= ${through} ${order}`,
  });
  const facts = new BatchFacts(client, wallet.account);
  let page: StatementEntry[] = [];
  let left = newestFirst ?? Number.POSITIVE_INFINITY;
  for await (const row of merge(attached, archived, newestFirst !== undefined)) {
    if (left-- <= 0) break;
    page.push(toEntry(row, await toldOf(row, facts, wallet.tenant)));
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** Both in one order, by number. */
async function* merge(
  attached: AsyncGenerator<ReadRow>,
  archived: readonly ReadRow[],
  newestFirst: boolean,
): AsyncGenerator<ReadRow> {
  const isFirst = (left: ReadRow, right: ReadRow) => (newestFirst ? left.seq > right.seq : left.seq < right.seq);
  const others = archived.toSorted((left, right) => (isFirst(left, right) ? -1 : 1));
  let at = 0;
  for await (const row of attached) {
    for (let next = others[at]; next !== undefined && isFirst(next, row); next = others[at]) {
      at++;
      yield next;
    }
    yield row;
  }
  yield* others.slice(at);
}

function toEntry(row: ReadRow, told: Told): StatementEntry {
  const isUsage = row.batch_kind === 'usage';
  return {
    ...told,
    sequence: row.seq,
    postedAtMs: row.posted_at.getTime(),
    occurredAtMs: parseEventKey(row.event_key).timeMs,
    kind: entryKindName(row.kind),
    kindCode: row.kind,
    amount: row.amount,
    balanceAfter: row.balance_after,
    actor: isUsage ? null : row.actor,
    reason: isUsage ? null : row.reason,
    lane: row.lane,
    batchNo: row.batch_no,
    eventKey: row.event_key,
    contentHash: row.content_hash,
  };
}

async function toldOf(row: ReadRow, facts: BatchFacts, tenant: string): Promise<Told> {
  if (row.usage !== null) return fromUsage(row.usage);
  if (row.kind === ENTRY_KIND.usage || row.kind === ENTRY_KIND.fact) {
    const fact = await facts.find(row.lane, row.batch_no, row.event_key);
    return fact === undefined ? UNTOLD : fromFact(fact);
  }
  if (row.kind === ENTRY_KIND.captured) return { ...UNTOLD, eventId: holdOf(row, tenant) };
  return { ...UNTOLD, eventId: row.idempotency_key };
}

/** The hold that an entry charges: the one its key is made of. */
function holdOf({ holds, event_key: key }: ReadRow, tenant: string): string | null {
  const placedAtMs = parseEventKey(key).timeMs;
  return holds?.find((holdId) => formatEventKey(holdKey({ tenant, holdId, placedAtMs })) === key) ?? null;
}

function fromFact({ id, source, meter, quantity, sequence, properties }: StoredFact): Told {
  return { eventId: id, source, meter, quantity, event: { sequence, properties } };
}

function fromUsage(json: string): Told {
  const event = parseJsonObject(json) ?? {};
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  const { sequence, properties } = event;
  return {
    eventId: text(event.id),
    source: text(event.source),
    meter: text(event.meter),
    quantity: text(event.quantity),
    event: {
      sequence: typeof sequence === 'number' ? sequence : null,
      properties: properties === undefined ? null : (parseJsonObject(JSON.stringify(properties)) as never),
    },
  };
}

/** An account's posted events of one batch after another, by their keys. */
class BatchFacts {
  readonly #client: pg.PoolClient;
  readonly #account: string;
  #batch = '';
  #facts: ReadonlyMap<string, StoredFact> = new Map();

  constructor(client: pg.PoolClient, account: string) {
    this.#client = client;
    this.#account = account;
  }

  async find(lane: number, batchNo: bigint, key: string): Promise<StoredFact | undefined> {
    const batch = `${lane} ${batchNo}`;
    if (batch !== this.#batch) {
      const { rows } = await this.#client.query<{ facts: Buffer }>(
        'select facts from batch_facts where lane = $1 and batch_no = $2',
        [lane, batchNo],
      );
      const facts = rows[0] === undefined ? [] : decodeFacts(rows[0].facts);
      const posted = facts.filter(({ status, account }) => status === 'posted' && account === this.#account);
      this.#facts = new Map(posted.map((fact) => [formatEventKey(eventKeyOf(fact)), fact]));
      this.#batch = batch;
    }
    return this.#facts.get(key);
  }
}
