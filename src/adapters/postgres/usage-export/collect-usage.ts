import type pg from 'pg';
import { eventKeyOf, formatEventKey } from '../../../domain/events/event-key.ts';
import { formatIso } from '../../../domain/time.ts';
import type { MeterTargets } from '../../../domain/usage-export/meter-targets.ts';
import {
  addUp,
  correctedBy,
  exactQuantity,
  hourOf,
  type QuantityCorrection,
  type UsageChange,
} from '../../../domain/usage-export/usage-change.ts';
import { parseJsonObject } from '../../../json-object.ts';
import { decodeFacts } from '../../../pipeline/lane/facts-codec.ts';
import { inTransaction } from '../pool.ts';
import { ms } from '../stripe/rows.ts';

const BATCHES_AT_ONCE = 16;
const CHANGES_AT_ONCE = 1_000;

/** By meter: the last batch of each lane before its usage is exported. */
type Starts = ReadonlyMap<string, Readonly<Record<string, number>>>;

/** Keeps since when meters are exported: what is posted from now on, and what was not added up yet. */
export async function beginMeters(pool: pg.Pool, targets: MeterTargets, nowMs: number): Promise<void> {
  const { rows } = await pool.query<{ meter: string }>('select meter from usage_export_meter');
  const known = new Set(rows.map(({ meter }) => meter));
  const added = [...targets.keys()].filter((meter) => !known.has(meter));
  if (added.length === 0) return;
  await inTransaction(pool, async (client) => {
    // Whoever changes a lane holds its row: what is under way is either before the starts or notes what it does.
    await client.query('select from lane_epoch order by lane for update');
    // From here on corrections are noted; those of batches before the starts are not ours.
    if (known.size === 0)
      await client.query(
        `insert into usage_export_cursor (lane, through_batch) select lane, last_batch from lane_head on conflict do nothing`,
      );
    await client.query(
      `insert into usage_export_meter (meter, since, starts)
       select meter, $2, (select coalesce(jsonb_object_agg(lane, through_batch), '{}') from usage_export_cursor)
       from unnest($1::text[]) as meter on conflict do nothing`,
      [added, formatIso(nowMs)],
    );
  });
}

/**
 * Adds up what was posted since, once: the cursor of a lane moves in the transaction that adds. Corrections and released
 * usage are listed before the lanes' ends are read, so that the events they are about have been added before them.
 */
export async function collectUsage(pool: pg.Pool): Promise<{ readonly events: number; readonly hasMore: boolean }> {
  const starts = await readStarts(pool);
  if (starts.size === 0) return { events: 0, hasMore: false };
  const changes = await pool.query<{ change_id: bigint }>(
    'select change_id from usage_export_change where problem is null order by change_id limit $1',
    [CHANGES_AT_ONCE],
  );
  const heads = await pool.query<{ lane: number; last_batch: bigint }>('select lane, last_batch from lane_head');
  let events = 0;
  for (const { lane, last_batch: last } of heads.rows) events += await collectLane(pool, lane, last, starts);
  const ids = changes.rows.map(({ change_id: id }) => id);
  if (ids.length > 0) events += await collectChanges(pool, ids, starts);
  return { events, hasMore: ids.length === CHANGES_AT_ONCE };
}

async function readStarts(pool: pg.Pool): Promise<Starts> {
  const { rows } = await pool.query<{ meter: string; starts: Record<string, number> }>(
    'select meter, starts from usage_export_meter',
  );
  return new Map(rows.map(({ meter, starts }) => [meter, starts]));
}

async function collectLane(pool: pg.Pool, lane: number, last: bigint, starts: Starts): Promise<number> {
  let events = 0;
  for (let isDone = false; !isDone; ) {
    const added = await inTransaction(pool, async (client) => {
      // A lane that came later begins at its first batch.
      await client.query(
        'insert into usage_export_cursor (lane, through_batch) values ($1, 0) on conflict (lane) do nothing',
        [lane],
      );
      const cursor = await client.query<{ through_batch: bigint }>(
        'select through_batch from usage_export_cursor where lane = $1 for update',
        [lane],
      );
      const after = cursor.rows[0]?.through_batch ?? 0n;
      const { rows } = await client.query<{ batch_no: bigint; facts: Buffer; posted_at: Date }>(
        `select f.batch_no, f.facts, b.posted_at from batch_facts f join batch b using (lane, batch_no)
         where f.lane = $1 and f.batch_no > $2 and f.batch_no <= $3 order by f.batch_no limit $4`,
        [lane, after, last, BATCHES_AT_ONCE],
      );
      const through = rows.length < BATCHES_AT_ONCE ? last : (rows.at(-1)?.batch_no ?? last);
      if (through <= after) return undefined;
      const found = rows.flatMap((row) => posted(row, lane, starts));
      await addToHours(client, addUp(found));
      await client.query('update usage_export_cursor set through_batch = $2 where lane = $1', [lane, through]);
      return { events: found.length, isDone: through >= last };
    });
    events += added?.events ?? 0;
    isDone = added?.isDone ?? true;
  }
  return events;
}

function posted(
  row: { readonly batch_no: bigint; readonly facts: Buffer; readonly posted_at: Date },
  lane: number,
  starts: Starts,
): readonly UsageChange[] {
  const postedAtMs = ms(row.posted_at);
  return decodeFacts(row.facts).flatMap(({ status, tenant, account, meter, quantity, occurredAtMs }) => {
    const isOurs = status === 'posted' && isAfterStart(starts, meter, lane, row.batch_no);
    const exact = isOurs ? exactQuantity(quantity) : undefined;
    if (exact === undefined || exact === 0n) return [];
    return [{ tenant, account, meter, hourMs: hourOf(occurredAtMs), quantity: exact, postedAtMs }];
  });
}

function isAfterStart(starts: Starts, meter: string, lane: number, batchNo: bigint): boolean {
  const begin = starts.get(meter);
  return begin !== undefined && batchNo > BigInt(begin[String(lane)] ?? 0);
}

interface ChangeRow {
  readonly change_id: bigint;
  readonly kind: 'released' | 'corrected';
  readonly event_key: string;
  readonly correction_no: number | null;
  readonly changed_at: Date;
  readonly tenant_id: string | null;
  readonly account_id: string | null;
  readonly event_time: Date | null;
  readonly lane: number | null;
  readonly batch_no: bigint | null;
  readonly facts: Buffer | null;
  readonly event: string | null;
  readonly corrections: readonly QuantityCorrection[] | null;
}

async function collectChanges(pool: pg.Pool, ids: readonly bigint[], starts: Starts): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<ChangeRow>(
      `select c.change_id, c.kind, c.event_key, c.correction_no, c.changed_at, w.tenant_id, w.account_id, e.event_time,
         e.lane, e.batch_no, f.facts, q.event,
         (select json_agg(json_build_object('correctionNo', x.correction_no, 'kind', x.kind, 'quantity', x.quantity))
          from event_correction x where x.event_key = c.event_key) as corrections
       from usage_export_change c
         left join entry e on e.event_key = c.event_key
         left join wallet w on w.wallet_id = e.wallet_id
         left join batch_facts f on f.lane = e.lane and f.batch_no = e.batch_no
         left join quarantine q on q.event_key = c.event_key and q.status = 'posted'
       where c.change_id = any($1::bigint[]) order by c.change_id for update of c`,
      [ids],
    );
    const found: UsageChange[] = [];
    const done: bigint[] = [];
    for (const row of rows) {
      const change = changeOf(row, starts);
      if (typeof change === 'string') {
        await client.query('update usage_export_change set problem = $2 where change_id = $1', [row.change_id, change]);
        continue;
      }
      done.push(row.change_id);
      if (change !== undefined && change.quantity !== 0n) found.push(change);
    }
    await addToHours(client, addUp(found));
    await client.query('delete from usage_export_change where change_id = any($1::bigint[])', [done]);
    return found.length;
  });
}

/** What a noted change did to an hour; undefined for usage that is not exported, a text for what nobody can read. */
function changeOf(row: ChangeRow, starts: Starts): UsageChange | string | undefined {
  const { tenant_id: tenant, account_id: account, event_time: time, lane, batch_no: batchNo } = row;
  if (tenant === null || account === null || time === null || lane === null || batchNo === null) {
    return 'the entry of the event is not there any more';
  }
  const event = row.event === null ? fromFacts(row.facts, row.event_key) : fromQuarantine(row.event);
  if (event === undefined) return 'the meter and the quantity of the event are not known any more';
  if (!isAfterStart(starts, event.meter, lane, batchNo)) return undefined;
  const quantity =
    row.kind === 'released'
      ? exactQuantity(event.quantity)
      : correctedBy(event.quantity, row.corrections ?? [], row.correction_no ?? 0);
  if (quantity === undefined) return 'the quantity of the event is not a decimal';
  return { tenant, account, meter: event.meter, hourMs: hourOf(ms(time)), quantity, postedAtMs: ms(row.changed_at) };
}

interface MeteredEvent {
  readonly meter: string;
  readonly quantity: string;
}

function fromFacts(facts: Buffer | null, key: string): MeteredEvent | undefined {
  if (facts === null) return undefined;
  return decodeFacts(facts).find((row) => row.status === 'posted' && formatEventKey(eventKeyOf(row)) === key);
}

function fromQuarantine(text: string): MeteredEvent | undefined {
  const { meter, quantity } = parseJsonObject(text) ?? {};
  return typeof meter === 'string' && typeof quantity === 'string' ? { meter, quantity } : undefined;
}

async function addToHours(client: pg.PoolClient, changes: readonly UsageChange[]): Promise<void> {
  if (changes.length === 0) return;
  await client.query(
    `insert into usage_hour as h (tenant_id, account_id, meter, hour, ledger, posted_at)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::numeric[], $6::timestamptz[])
       order by 1, 2, 3, 4
     on conflict (tenant_id, account_id, meter, hour) do update
       set ledger = h.ledger + excluded.ledger, posted_at = greatest(h.posted_at, excluded.posted_at)`,
    [
      changes.map(({ tenant }) => tenant),
      changes.map(({ account }) => account),
      changes.map(({ meter }) => meter),
      changes.map(({ hourMs }) => formatIso(hourMs)),
      changes.map(({ quantity }) => quantity.toString()),
      changes.map(({ postedAtMs }) => formatIso(postedAtMs)),
    ],
  );
}
