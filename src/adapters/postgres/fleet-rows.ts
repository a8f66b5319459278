import type pg from 'pg';
import { formatIso } from '../../domain/time.ts';
import type { FleetFinding } from '../../pipeline/fleet/fleet-finding.ts';
import { NO_MOVE, type PlatformMove } from '../../pipeline/fleet/platform-move.ts';
import type { BatchRecord } from '../../pipeline/lane/batch-record.ts';
import type { AppliedFinding } from '../../pipeline/replay/replay-store.ts';

/** What a batch shows to the rules across accounts. */
export async function insertSightings(client: pg.PoolClient, { lane, batchNo, fleetRows }: BatchRecord): Promise<void> {
  const rows = fleetRows.map(({ tenant, position, row }) => ({
    position,
    tenant_id: tenant,
    account_id: row.account,
    meter: row.meter,
    ingested_at: formatIso(row.ingestedAtMs),
    is_foreign: row.isForeignSource,
    details: row.details,
  }));
  await client.query({
    name: 'insert-sightings',
    text: `insert into fleet_sighting (lane, batch_no, position, tenant_id, account_id, meter, ingested_at, is_foreign, details)
      select $2, $3, r.position, r.tenant_id, r.account_id, r.meter, r.ingested_at, r.is_foreign, r.details
      from json_to_recordset($1::json) as r(position int, tenant_id text, account_id text, meter text, ingested_at timestamptz,
        is_foreign boolean, details jsonb)`,
    values: [JSON.stringify(rows), lane, batchNo],
  });
}

/** Notes which batch judged findings; the features they changed are written with it. */
export async function closeFindings(client: pg.PoolClient, { batchNo, fleetFindings }: BatchRecord): Promise<void> {
  await client.query(
    'update fleet_finding set applied_batch = $1 where finding_id = any($2::bigint[]) and applied_batch is null',
    [batchNo, fleetFindings],
  );
}

/** Notes that a batch is the lane's first with this factor. */
export async function insertPlatformUse(
  client: pg.PoolClient,
  { lane, batchNo }: BatchRecord,
  { hourMs, factor }: PlatformMove,
): Promise<void> {
  await client.query('insert into platform_use (lane, batch_no, hour, factor) values ($1, $2, $3, $4)', [
    lane,
    batchNo,
    formatIso(hourMs),
    factor,
  ]);
}

/** What waits for a lane, oldest first. */
export async function readFindings(
  client: pg.PoolClient,
  lane: number,
  most: number,
): Promise<readonly FleetFinding[]> {
  const { rows } = await client.query<FindingRow>(
    `select finding_id, wallet_id, tenant_id, account_id, rule_id, raw, at from fleet_finding
     where lane = $1 and applied_batch is null order by finding_id limit $2`,
    [lane, most],
  );
  return rows.map(readFinding);
}

/** What was judged of a wallet, each with the time of its decision. */
export async function readAppliedFindings(pool: pg.Pool, walletId: bigint): Promise<readonly AppliedFinding[]> {
  const { rows } = await pool.query<FindingRow & { applied_batch: bigint; decided_at: Date | null }>(
    `select f.finding_id, f.wallet_id, f.tenant_id, f.account_id, f.rule_id, f.raw, f.at, f.applied_batch, d.decided_at
     from fleet_finding f left join decision d on d.wallet_id = f.wallet_id and d.batch_no = f.applied_batch
       and d.evidence -> 'event' ->> 'id' = 'fleet:' || f.finding_id
     where f.wallet_id = $1 and f.applied_batch is not null order by f.applied_batch, f.finding_id`,
    [walletId],
  );
  return rows.map((row) => ({
    batchNo: Number(row.applied_batch),
    finding: readFinding(row),
    decidedAtMs: row.decided_at?.getTime() ?? null,
  }));
}

/** The newest factor; an ordinary day before the first. */
export async function readPlatform(client: Pick<pg.ClientBase, 'query'>): Promise<PlatformMove> {
  const { rows } = await client.query<{ hour: Date; factor: number }>(
    'select hour, factor from platform_hour order by hour desc limit 1',
  );
  const row = rows[0];
  return row === undefined ? NO_MOVE : { factor: row.factor, hourMs: row.hour.getTime() };
}

interface FindingRow {
  readonly finding_id: bigint;
  readonly wallet_id: bigint;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly rule_id: string;
  readonly raw: number;
  readonly at: Date;
}

function readFinding(row: FindingRow): FleetFinding {
  return {
    findingId: row.finding_id,
    walletId: row.wallet_id,
    tenant: row.tenant_id,
    account: row.account_id,
    ruleId: row.rule_id,
    raw: row.raw,
    atMs: row.at.getTime(),
  };
}
