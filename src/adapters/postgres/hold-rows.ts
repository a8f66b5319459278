import type pg from 'pg';
import type { Hold, HoldState } from '../../domain/ledger/hold.ts';
import { formatIso } from '../../domain/time.ts';
import {
  type HoldOperation,
  type HoldReference,
  type HoldRows,
  type HoldWrite,
  holdName,
  type StoredHold,
} from '../../pipeline/holds/hold-rows.ts';

/** Columns that make a hold; the table is aliased `h`. */
export const HOLD_COLUMNS = `h.tenant_id, h.hold_id, h.wallet_id, h.shard, h.amount, h.capture_max, h.captured, h.state, h.placed_at,
  h.expires_at, h.closed_at, h.actor`;

export interface HoldRow {
  readonly tenant_id: string;
  readonly hold_id: string;
  readonly wallet_id: bigint;
  readonly shard: number;
  readonly amount: bigint;
  readonly capture_max: bigint;
  readonly captured: bigint;
  readonly state: HoldState;
  readonly placed_at: Date;
  readonly expires_at: Date;
  readonly closed_at: Date | null;
  readonly actor: string;
}

/** The hold of a row. */
export function readHold(row: HoldRow): Hold {
  return {
    tenant: row.tenant_id,
    holdId: row.hold_id,
    walletId: row.wallet_id,
    shard: row.shard,
    amount: row.amount,
    captureMax: row.capture_max,
    captured: row.captured,
    state: row.state,
    placedAtMs: row.placed_at.getTime(),
    expiresAtMs: row.expires_at.getTime(),
    closedAtMs: row.closed_at?.getTime() ?? null,
    actor: row.actor,
  };
}

/** The holds inside the caller's database transaction. */
export function holdRowsOf(client: pg.PoolClient): HoldRows {
  return {
    find: (references) => findHolds(client, references),
    write: (holds, operations) => writeHolds(client, holds, operations),
  };
}

type StoredRow = HoldRow & { readonly key: string; readonly hash: string | null; readonly result: unknown };

async function findHolds(client: pg.PoolClient, references: readonly HoldReference[]): Promise<readonly StoredHold[]> {
  const { rows } = await client.query<StoredRow>({
    name: 'find-holds',
    text: `select ${HOLD_COLUMNS}, u.key, o.request_hash as hash, o.result
      from unnest($1::text[], $2::text[], $3::text[]) as u(tenant_id, hold_id, key)
      join hold h using (tenant_id, hold_id)
      left join hold_operation o on o.tenant_id = u.tenant_id and o.hold_id = u.hold_id and o.idempotency_key = u.key`,
    values: [
      references.map(({ tenant }) => tenant),
      references.map(({ holdId }) => holdId),
      references.map(({ key }) => key),
    ],
  });
  return rows.map((row) => ({
    hold: readHold(row),
    answered: row.hash === null ? undefined : { key: row.key, hash: row.hash, result: row.result },
  }));
}

// One statement, because every further round trip holds the lane's fence for longer. New ids are inserted in order: two
// lanes that meet at the same ids wait for each other and never deadlock.
const WRITE_HOLDS = `
  with given as (
    select * from json_to_recordset($1::json) as r(tenant_id text, hold_id text, wallet_id bigint, shard smallint, amount bigint,
      capture_max bigint, captured bigint, state text, placed_at timestamptz, expires_at timestamptz, closed_at timestamptz,
      actor text, is_new boolean)
  ), placed as (
    insert into hold (tenant_id, hold_id, wallet_id, shard, amount, capture_max, captured, state, placed_at, expires_at, closed_at, actor)
    select tenant_id, hold_id, wallet_id, shard, amount, capture_max, captured, state, placed_at, expires_at, closed_at, actor
    from given where is_new order by tenant_id, hold_id on conflict do nothing returning tenant_id, hold_id
  ), changed as (
    update hold h set amount = g.amount, capture_max = g.capture_max, captured = g.captured, state = g.state,
      expires_at = g.expires_at, closed_at = g.closed_at
    from given g where not g.is_new and h.tenant_id = g.tenant_id and h.hold_id = g.hold_id
  ), answered as (
    insert into hold_operation (tenant_id, hold_id, idempotency_key, request_hash, operation, result, actor, reason, at)
    select o.tenant_id, o.hold_id, o.key, o.hash, o.operation, o.result, o.actor, o.reason, o.at
    from json_to_recordset($2::json) as o(tenant_id text, hold_id text, key text, hash text, operation text, result json,
      actor text, reason text, at timestamptz, is_new boolean)
    where not o.is_new
      or exists (select from placed p where p.tenant_id = o.tenant_id and p.hold_id = o.hold_id)
  )
  select tenant_id, hold_id from placed`;

async function writeHolds(
  client: pg.PoolClient,
  holds: readonly HoldWrite[],
  operations: readonly HoldOperation[],
): Promise<ReadonlySet<string>> {
  const taken = new Set(holds.filter(({ isNew }) => isNew).map(({ hold }) => holdName(hold)));
  const { rows } = await client.query<{ tenant_id: string; hold_id: string }>({
    name: 'write-holds',
    text: WRITE_HOLDS,
    values: [JSON.stringify(holds.map(holdJson)), JSON.stringify(operations.map(operationJson))],
  });
  for (const row of rows) taken.delete(holdName({ tenant: row.tenant_id, holdId: row.hold_id }));
  return taken;
}

function holdJson({ hold, isNew }: HoldWrite) {
  return {
    tenant_id: hold.tenant,
    hold_id: hold.holdId,
    wallet_id: hold.walletId.toString(),
    shard: hold.shard,
    amount: hold.amount.toString(),
    capture_max: hold.captureMax.toString(),
    captured: hold.captured.toString(),
    state: hold.state,
    placed_at: formatIso(hold.placedAtMs),
    expires_at: formatIso(hold.expiresAtMs),
    closed_at: hold.closedAtMs === null ? null : formatIso(hold.closedAtMs),
    actor: hold.actor,
    is_new: isNew,
  };
}

function operationJson(operation: HoldOperation) {
  const { tenant, holdId, key, hash, result, actor, reason, atMs, isOfNewHold } = operation;
  return {
    tenant_id: tenant,
    hold_id: holdId,
    key,
    hash,
    operation: operation.operation,
    result,
    actor,
    reason,
    at: formatIso(atMs),
    is_new: isOfNewHold,
  };
}
