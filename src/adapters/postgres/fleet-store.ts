import type pg from 'pg';
import type { EventDetails } from '../../domain/features/event-details.ts';
import { addressOf } from '../../domain/ids.ts';
import { formatIso, HOUR_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { FleetStore, FoldedSighting, NewFinding, TenantPast } from '../../pipeline/fleet/fleet-store.ts';
import { LaneLocks } from './lane-locks.ts';
import { inTransaction } from './pool.ts';
import { readShardLanes } from './shard-lanes.ts';

/** Class number of the keeper's advisory lock: the number spells "TF". */
const FLEET_LOCK_CLASS = 0x5446;

/** Rows of one tenant that are folded again by a new keeper: what the rules across accounts hold at most, twice over. */
const PAST_ROWS_MAX = 40_000;

/** The rows, findings and hours of PostgreSQL. */
export function createFleetStore(
  pool: pg.Pool,
  options: { readonly connectionString: string; readonly currency: () => string },
): FleetStore {
  const locks = new LaneLocks(options.connectionString, FLEET_LOCK_CLASS);
  return {
    claim: async (owner) => {
      if (!(await locks.take(0))) return undefined;
      const { rows } = await pool.query<{ epoch: bigint }>(
        'update fleet_keeper set epoch = epoch + 1, owner = $1 returning epoch',
        [owner],
      );
      return rows[0]?.epoch;
    },
    release: () => locks.release(0),
    fold: async (epoch, { most, rulesetHash, sinceMs }, work) => {
      if (!(await hasWaiting(pool))) return 0;
      const lanes = await readShardLanes(pool);
      return inTransaction(pool, async (client) => {
        const lastFold = await takeFence(client, epoch);
        const rows = await readWaiting(client, most, lastFold);
        const newest = rows.at(-1);
        if (newest === undefined) return 0;
        const since = formatIso(sinceMs(Math.max(...rows.map(({ row }) => row.ingestedAtMs))));
        const findings = await work({ rows, past: (tenant) => readPast(client, tenant, since) });
        await client.query('update fleet_keeper set last_fold = $1', [newest.foldNo]);
        if (findings.length > 0)
          await writeFindings(client, { findings, rulesetHash, lanes, currency: options.currency() });
        return rows.length;
      });
    },
    forget: async (olderThanMs) => {
      await pool.query('delete from fleet_sighting where ingested_at < $1', [formatIso(olderThanMs)]);
    },
    clockMs: async () => {
      const { rows } = await pool.query<{ at: Date | null }>('select max(ingested_at) as at from lane_head');
      return rows[0]?.at?.getTime();
    },
    hours: async (sinceMs) => {
      const { rows } = await pool.query<{ hour: Date; accounts: number; events: bigint }>(
        'select hour, accounts, events from platform_hour where hour >= $1 order by hour',
        [formatIso(sinceMs)],
      );
      return rows.map(({ hour, accounts, events }) => ({ hourMs: hour.getTime(), accounts, events: Number(events) }));
    },
    countHour: async (hourMs) => {
      // Keys begin with the event's time, so the hour is one range of the index.
      const { rows } = await pool.query<{ accounts: number; events: bigint }>(
        `with own as (
           select wallet_id, count(*) as events from entry
           where event_key >= $1 and event_key < $2 and kind = 1 and amount < 0 group by wallet_id
         ), cap as (select percentile_disc(0.95) within group (order by events) as most from own)
         select count(*)::int as accounts, coalesce(sum(least(events, most)), 0)::bigint as events from own, cap`,
        [firstKeyAt(hourMs), firstKeyAt(hourMs + HOUR_MS)],
      );
      return { hourMs, accounts: rows[0]?.accounts ?? 0, events: Number(rows[0]?.events ?? 0n) };
    },
    keepHour: async ({ hourMs, accounts, events }, factor) => {
      await pool.query(
        'insert into platform_hour (hour, accounts, events, factor) values ($1, $2, $3, $4) on conflict do nothing',
        [formatIso(hourMs), accounts, events, factor],
      );
    },
  };
}

/** The lowest key of an event at this time: 48 bits of milliseconds. */
function firstKeyAt(timeMs: number): string {
  const hex = timeMs.toString(16).padStart(12, '0').padEnd(32, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

async function hasWaiting(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query('select from fleet_sighting where fold_no is null limit 1');
  return rows.length > 0;
}

/** The number of the last row that was folded; nobody else folds until the transaction ends. */
async function takeFence(client: pg.PoolClient, epoch: bigint): Promise<number> {
  const { rows } = await client.query<{ epoch: bigint; last_fold: bigint }>(
    'select epoch, last_fold from fleet_keeper for update',
  );
  const row = rows[0];
  if (row?.epoch !== epoch) throw new AppError('LANE_FENCED', 'another process keeps the rules across accounts');
  return Number(row.last_fold);
}

interface SightingRow {
  readonly tenant_id: string;
  readonly account_id: string;
  readonly meter: string;
  readonly ingested_at: Date;
  readonly is_foreign: boolean;
  /** Written by our own statement, so its shape needs no second check. */
  readonly details: EventDetails;
  readonly fold_no: bigint;
}

/** Numbers the oldest waiting rows; the numbers are theirs for good when the transaction commits. */
async function readWaiting(client: pg.PoolClient, most: number, lastFold: number): Promise<readonly FoldedSighting[]> {
  const { rows } = await client.query<SightingRow>(
    `with next as (
       select lane, batch_no, position, row_number() over (order by ingested_at, lane, batch_no, position) as place
       from (select lane, batch_no, position, ingested_at from fleet_sighting where fold_no is null
             order by ingested_at, lane, batch_no, position limit $1) waiting
     )
     update fleet_sighting s set fold_no = $2 + next.place from next
     where s.lane = next.lane and s.batch_no = next.batch_no and s.position = next.position
     returning s.tenant_id, s.account_id, s.meter, s.ingested_at, s.is_foreign, s.details, s.fold_no`,
    [most, lastFold],
  );
  return rows.map(readSighting).sort((left, right) => left.foldNo - right.foldNo);
}

async function readPast(client: pg.PoolClient, tenant: string, since: string): Promise<TenantPast> {
  const sightings = await client.query<SightingRow>(
    `select tenant_id, account_id, meter, ingested_at, is_foreign, details, fold_no from fleet_sighting
     where tenant_id = $1 and fold_no <= (select last_fold from fleet_keeper) and ingested_at >= $2 order by fold_no desc limit $3`,
    [tenant, since, PAST_ROWS_MAX],
  );
  const told = await client.query<{ account_id: string; rule_id: string; raw: number; at: Date }>(
    `select distinct on (account_id, rule_id) account_id, rule_id, raw, at from fleet_finding
     where tenant_id = $1 and at >= $2 order by account_id, rule_id, finding_id desc`,
    [tenant, since],
  );
  return {
    rows: sightings.rows.map(readSighting).reverse(),
    told: told.rows.map((row) => ({
      account: row.account_id,
      ruleId: row.rule_id,
      raw: row.raw,
      atMs: row.at.getTime(),
    })),
  };
}

function readSighting(row: SightingRow): FoldedSighting {
  return {
    tenant: row.tenant_id,
    foldNo: Number(row.fold_no),
    row: {
      account: row.account_id,
      meter: row.meter,
      ingestedAtMs: row.ingested_at.getTime(),
      isForeignSource: row.is_foreign,
      details: row.details,
    },
  };
}

/** Stores findings and tells the accounts' lanes, in the order of lanes, so that two writers never wait for each other. */
async function writeFindings(
  client: pg.PoolClient,
  context: {
    readonly findings: readonly NewFinding[];
    readonly rulesetHash: string;
    readonly lanes: readonly number[];
    readonly currency: string;
  },
): Promise<void> {
  const rows = context.findings.map((finding) => {
    const { walletId, shard } = addressOf(finding.tenant, finding.account, context.currency);
    return {
      lane: context.lanes[shard] ?? 0,
      wallet_id: walletId.toString(),
      tenant_id: finding.tenant,
      account_id: finding.account,
      rule_id: finding.ruleId,
      raw: finding.raw,
      at: formatIso(finding.atMs),
      fold_no: finding.foldNo,
    };
  });
  const stored = await client.query<{ lane: number; wallet_id: bigint }>(
    `insert into fleet_finding (lane, wallet_id, tenant_id, account_id, rule_id, raw, at, fold_no, ruleset_hash)
     select r.lane, r.wallet_id, r.tenant_id, r.account_id, r.rule_id, r.raw, r.at, r.fold_no, $2
     from json_to_recordset($1::json) as r(lane smallint, wallet_id bigint, tenant_id text, account_id text, rule_id text,
       raw double precision, at timestamptz, fold_no bigint)
     join wallet w using (wallet_id) on conflict do nothing returning lane, wallet_id`,
    [JSON.stringify(rows), context.rulesetHash],
  );
  const lanes = [...new Set(stored.rows.map(({ lane }) => lane))].sort((left, right) => left - right);
  for (const lane of lanes) {
    const wallets = [...new Set(stored.rows.filter((row) => row.lane === lane).map((row) => row.wallet_id.toString()))];
    await client.query(
      `with told as (update lane_epoch set change_no = change_no + 1 where lane = $1 returning change_no)
       insert into lane_change (lane, change_no, wallet_id) select $1, told.change_no, u from told, unnest($2::bigint[]) u`,
      [lane, `{${wallets.join()}}`],
    );
  }
}

/** Of the given lanes those that have something to judge and perhaps no usage that brings them to it. */
export async function lanesWithFindings(pool: pg.Pool, lanes: readonly number[]): Promise<readonly number[]> {
  const { rows } = await pool.query<{ lane: number }>(
    'select distinct lane from fleet_finding where applied_batch is null and lane = any($1::int[])',
    [lanes],
  );
  return rows.map(({ lane }) => lane);
}
