import type pg from 'pg';
import { formatWalletId } from '../../../domain/ids.ts';
import { formatDecimal } from '../../../domain/money/nanos.ts';
import { formatIso } from '../../../domain/time.ts';
import { finding, type LedgerFinding } from '../../../pipeline/queries/ledger-finding.ts';
import { HOLD_COLUMNS, type HoldRow } from '../hold-rows.ts';
import { readCursor } from '../queries/read-cursor.ts';
import { checkHoldRequests } from './check-hold-requests.ts';

/** A hold with the answers given about it, and what was charged for it. */
type Row = HoldRow & {
  readonly account_id: string | null;
  readonly wallet_shard: number | null;
  readonly micros: string;
  readonly first: Answered | null;
  readonly last: Answered | null;
  readonly charge: Charge | null;
};

interface Answered {
  readonly operation: string;
  readonly actor: string;
  readonly result: Readonly<Record<string, string | null>>;
}

/** The audit line of a capture, which the chain holds. */
interface Charge {
  readonly lane: number;
  readonly batch: string;
  readonly subject: string;
  readonly amount: string;
  readonly held: string;
  readonly at: string;
}

const ANSWER = `json_build_object('operation', o.operation, 'actor', o.actor, 'result', o.result)`;
const OF_HOLD = 'from hold_operation o where o.tenant_id = h.tenant_id and o.hold_id = h.hold_id';

/**
 * Not by time: processes answer by their own clocks, and a later answer may be dated before. A hold is closed once, and
 * until then its amount and its date only grow.
 */
const LAST_FIRST = `o.operation in ('capture', 'release') desc, (o.result ->> 'amount')::numeric desc,
           o.result ->> 'expiresAt' desc, o.at desc`;

/**
 * Every hold against the answers that were given about it, and captured ones against their charge. Holds post nothing and
 * are in no seal: what is changed in a hold and in its answers alike is not seen, unless it was captured.
 */
export async function* checkHolds(client: pg.PoolClient): AsyncGenerator<LedgerFinding> {
  const rows = readCursor<Row>(client, {
    name: 'verify_hold',
    page: 1_000,
    sql: `select ${HOLD_COLUMNS}, w.account_id, w.shard as wallet_shard,
        concat_ws(' ', extract(microseconds from h.placed_at)::int % 1000, extract(microseconds from h.expires_at)::int % 1000,
          extract(microseconds from h.closed_at)::int % 1000) as micros,
        (select ${ANSWER} ${OF_HOLD} and o.operation = 'place' limit 1) as first,
        (select ${ANSWER} ${OF_HOLD} order by ${LAST_FIRST} limit 1) as last,
        case when l.lane is null then null else json_build_object('lane', l.lane, 'batch', l.batch_no::text, 'subject', l.subject,
          'amount', l.detail ->> 'amount', 'held', l.detail ->> 'held', 'at', l.at) end as charge
      from hold h left join wallet w using (wallet_id)
      left join audit_log l on l.action = 'wallet.capture' and l.tenant_id = h.tenant_id and l.detail ->> 'hold' = h.hold_id
        and l.at >= h.placed_at
      order by h.tenant_id, h.hold_id`,
  });
  for await (const row of rows) yield* holdFindings(row);
  const gone = readCursor<{ lane: number; batch_no: bigint; hold_id: string }>(client, {
    name: 'verify_hold_gone',
    page: 1_000,
    sql: `select l.lane, l.batch_no, l.detail ->> 'hold' as hold_id from audit_log l
      left join hold h on h.tenant_id = l.tenant_id and h.hold_id = l.detail ->> 'hold' and l.at >= h.placed_at
      where l.action = 'wallet.capture' and l.lane is not null and h.hold_id is null
        and l.at >= coalesce((select closed_before from hold_retention), '-infinity') order by 1, 2`,
  });
  for await (const { lane, batch_no, hold_id } of gone) {
    const why = `the batch charged hold ${hold_id}, and it is not there`;
    yield finding({ what: 'missing', table: 'hold', lane, batch: batch_no.toString(), why });
  }
  yield* checkDeleted(client);
  yield* checkAnswers(client);
  yield* checkHoldRequests(client);
}

/** Charges of holds that were deleted in time, wallet by wallet, against what is kept of those holds. */
async function* checkDeleted(client: pg.PoolClient): AsyncGenerator<LedgerFinding> {
  const { rows } = await client.query<{ wallet: string; holds: bigint; captured: bigint }>(
    `select l.subject as wallet, count(*) as holds, sum((l.detail ->> 'amount')::bigint)::bigint as captured
     from audit_log l left join hold h on h.tenant_id = l.tenant_id and h.hold_id = l.detail ->> 'hold' and l.at >= h.placed_at
     where l.action = 'wallet.capture' and l.lane is not null and h.hold_id is null
       and l.at < (select closed_before from hold_retention) group by l.subject`,
  );
  const charged = new Map(rows.map((row) => [row.wallet, row]));
  const kept = await client.query<{ wallet_id: bigint; holds: bigint; captured: bigint }>(
    'select wallet_id, sum(holds)::bigint as holds, sum(captured)::bigint as captured from hold_deleted group by wallet_id',
  );
  const deleted = new Map(kept.rows.map((row) => [formatWalletId(row.wallet_id), row]));
  for (const wallet of new Set([...charged.keys(), ...deleted.keys()])) {
    const [said, was] = [deleted.get(wallet), charged.get(wallet)];
    for (const column of ['holds', 'captured'] as const) {
      const [stored, expected] = [said?.[column] ?? 0n, was?.[column] ?? 0n];
      if (stored === expected) continue;
      const why = 'batches charged this for holds of the wallet that are deleted';
      const values = { column, stored: stored.toString(), expected: expected.toString() };
      yield finding({ what: 'changed', table: 'hold_deleted', ...values, wallet, why });
    }
  }
}

function* holdFindings(row: Row): Generator<LedgerFinding> {
  const { first, last, charge } = row;
  const about = {
    lane: charge?.lane ?? null,
    batch: charge?.batch ?? null,
    account: row.account_id,
    wallet: formatWalletId(row.wallet_id),
  };
  if (first === null || last === null) {
    const why = `hold ${row.hold_id} is there, and no request that placed it`;
    yield finding({ what: 'missing', table: 'hold_operation', ...about, why });
    return;
  }
  const ending = charge !== null ? 'capture' : row.state === 'released' ? 'release' : undefined;
  if (ending !== undefined && last.operation !== ending) {
    const why = `hold ${row.hold_id} is ${row.state}, and no request to ${ending} it is there`;
    yield finding({ what: 'missing', table: 'hold_operation', column: 'operation', ...about, why });
  }
  const iso = (at: Date | null) => at?.toISOString() ?? null;
  const told = last.result;
  const sinceMs = Date.parse(told.expiresAt ?? '');
  // Its date ends a hold without a request, and moves on while its wallet is frozen.
  const ended = row.state === 'expired' && told.state === 'open';
  const pairs: readonly (readonly [column: string, stored: string | null, expected: string | null])[] = [
    ['wallet_id', formatWalletId(row.wallet_id), charge?.subject ?? told.wallet ?? null],
    ['shard', String(row.shard), String(row.wallet_shard)],
    ['amount', formatDecimal(row.amount), told.amount ?? null],
    ['amount', row.amount.toString(), charge?.held ?? row.amount.toString()],
    ['capture_max', formatDecimal(row.capture_max), told.captureMax ?? null],
    ['captured', formatDecimal(row.captured), told.captured ?? null],
    ['captured', row.captured.toString(), charge?.amount ?? '0'],
    ['state', row.state, ended ? row.state : (told.state ?? null)],
    ['placed_at', iso(row.placed_at), first.result.placedAt ?? null],
    ['expires_at', iso(row.expires_at), row.expires_at.getTime() < sinceMs ? formatIso(sinceMs) : iso(row.expires_at)],
    ['closed_at', iso(row.closed_at), ended ? iso(row.closed_at) : (told.closedAt ?? null)],
    ['closed_at', iso(row.closed_at), charge === null ? iso(row.closed_at) : iso(new Date(charge.at))],
    ['actor', row.actor, first.actor],
  ];
  const why = `the answers about hold ${row.hold_id}, or its charge, say otherwise`;
  for (const [column, stored, expected] of pairs) {
    if (stored === expected) continue;
    yield finding({ what: 'changed', table: 'hold', column, stored, expected, ...about, why });
  }
  if (/[1-9]/.test(row.micros)) {
    const column = 'placed_at, expires_at or closed_at';
    yield finding({ what: 'changed', table: 'hold', column, ...about, why: 'times of holds are whole milliseconds' });
  }
}

/** Answers about holds that are not there, and captures that were not charged. */
async function* checkAnswers(client: pg.PoolClient): AsyncGenerator<LedgerFinding> {
  const rows = readCursor<{ hold_id: string; column: string; what: 'missing' | 'inserted'; why: string }>(client, {
    name: 'verify_hold_answer',
    page: 1_000,
    sql: `select o.hold_id, o.operation, c.* from hold_operation o
      left join hold h on h.tenant_id = o.tenant_id and h.hold_id = o.hold_id
      left join audit_log l on l.action = 'wallet.capture' and l.tenant_id = o.tenant_id and l.detail ->> 'hold' = o.hold_id
        and l.at >= h.placed_at,
      lateral (values
        ('hold_id', 'inserted', 'there is no such hold', h.hold_id is null),
        ('operation', 'inserted', 'nothing was charged for it', h.hold_id is not null and o.operation = 'capture' and l.lane is null),
        ('idempotency_key', 'inserted', 'the capture was asked for with another key, by somebody else or at another time',
          o.operation = 'capture' and l.lane is not null
            and (o.idempotency_key, o.actor, o.at) is distinct from (l.detail ->> 'key', l.actor, l.at)),
        ('reason', 'inserted', 'the capture has another reason', o.operation = 'capture' and l.lane is not null
          and o.reason is distinct from l.detail ->> 'reason')
      ) as c("column", what, why, wrong) where c.wrong order by 1`,
  });
  for await (const { hold_id, column, what, why } of rows) {
    yield finding({ what, table: 'hold_operation', column, why: `hold ${hold_id}: ${why}` });
  }
}
