import type pg from 'pg';
import { type EventKey, eventKeyOf, formatEventKey } from '../../../domain/events/event-key.ts';
import { ENTRY_KIND, type WalletHead } from '../../../domain/ledger/wallet.ts';
import { formatIso } from '../../../domain/time.ts';
import { parseJsonObject } from '../../../json-object.ts';
import type {
  CorrectionAccess,
  CorrectionRow,
  PostedUsage,
  StoredCorrection,
} from '../../../pipeline/admin/correction-store.ts';
import { decodeFacts } from '../../../pipeline/lane/facts-codec.ts';
import type { LaneState } from './write-change.ts';

/** Entries that charge an event itself: as it came, or released from quarantine. */
export const EVENT_KINDS = [ENTRY_KIND.usage, ENTRY_KIND.fact, ENTRY_KIND.released] as const;

/** Corrections inside one database transaction that holds the fence of the event's lane. */
export function correctionsOf(client: pg.PoolClient): CorrectionAccess {
  return { read: (event) => read(client, formatEventKey(event)) };
}

/** Stores the correction that the lane's newest batch carries out. */
export async function insertCorrection(
  client: pg.PoolClient,
  lane: LaneState,
  { walletId }: Pick<WalletHead, 'walletId'>,
  row: CorrectionRow,
): Promise<void> {
  await client.query(
    `insert into event_correction (event_key, correction_no, kind, wallet_id, lane, batch_no, reversal_key, amended_key,
       reversed, charged, meter, quantity, ruleset_hash, actor, reason, corrected_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
    [
      formatEventKey(row.event),
      row.correctionNo,
      row.kind,
      walletId,
      lane.lane,
      lane.lastBatch,
      formatEventKey(row.reversalKey),
      row.amendedKey === null ? null : formatEventKey(row.amendedKey),
      row.reversed,
      row.charged,
      row.meter,
      row.quantity,
      row.rulesetHash,
      row.actor,
      row.reason,
      formatIso(lane.atMs),
    ],
  );
}

/** What is charged is summed over the entries themselves, so that a reversal credits exactly what they say. */
async function read(client: pg.PoolClient, event: string) {
  const { rows } = await client.query<{
    correction_no: number;
    kind: StoredCorrection['kind'];
    reversed: bigint;
    charged: bigint;
    reversal_key: string;
    amended_key: string | null;
  }>(
    `select correction_no, kind, reversed, charged, reversal_key, amended_key from event_correction
     where event_key = $1 order by correction_no`,
    [event],
  );
  const keys = [event, ...rows.flatMap(({ reversal_key, amended_key }) => [reversal_key, amended_key ?? []].flat())];
  const sum = await client.query<{ charged: bigint }>(
    'select coalesce(-sum(amount), 0)::bigint as charged from entry where event_key = any($1::uuid[])',
    [keys],
  );
  return {
    charged: sum.rows[0]?.charged ?? 0n,
    corrections: rows.map(({ correction_no: correctionNo, kind, reversed, charged }) => ({
      correctionNo,
      kind,
      reversed,
      charged,
    })),
  };
}

/** A posted event by its key, with what is known of it: from its batch's facts, or from quarantine. */
export async function findPosted(pool: pg.Pool, tenant: string, key: EventKey): Promise<PostedUsage | undefined> {
  const eventKey = formatEventKey(key);
  const { rows } = await pool.query<{
    wallet_id: bigint;
    shard: number;
    account_id: string;
    currency: string;
    amount: bigint;
    facts: Buffer | null;
    event: string | null;
  }>(
    `select e.wallet_id, w.shard, w.account_id, w.currency, -e.amount as amount, f.facts, q.event
     from entry e join wallet w using (wallet_id)
       left join batch_facts f on f.lane = e.lane and f.batch_no = e.batch_no
       left join quarantine q on q.event_key = e.event_key and q.status = 'posted'
     where e.event_key = $1 and w.tenant_id = $2 and e.kind = any($3::smallint[])`,
    [eventKey, tenant, EVENT_KINDS],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const { wallet_id: walletId, shard, account_id: account, currency, amount } = row;
  const event = row.event === null ? fromFacts(row.facts, eventKey) : fromQuarantine(row.event);
  return { key, walletId, shard, tenant, account, currency, amount, event };
}

function fromFacts(facts: Buffer | null, key: string): PostedUsage['event'] {
  if (facts === null) return null;
  const fact = decodeFacts(facts).find((row) => row.status === 'posted' && formatEventKey(eventKeyOf(row)) === key);
  if (fact === undefined) return null;
  const { id, source, meter, quantity } = fact;
  return { id, source, meter, quantity };
}

function fromQuarantine(text: string): PostedUsage['event'] {
  const { id, source, meter, quantity } = parseJsonObject(text) ?? {};
  const isWhole =
    typeof id === 'string' && typeof source === 'string' && typeof meter === 'string' && typeof quantity === 'string';
  return isWhole ? { id, source, meter, quantity } : null;
}
