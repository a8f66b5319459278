import type pg from 'pg';
import { addressOf, formatWalletId } from '../../../domain/ids.ts';
import { finding, type LedgerFinding } from '../../../pipeline/queries/ledger-finding.ts';
import { readCursor } from '../queries/read-cursor.ts';

interface ChainedEntry {
  readonly lane: number;
  readonly batch_no: bigint;
  readonly wallet_id: bigint;
  readonly account_id: string | null;
  readonly event_key: string;
  readonly seq: bigint;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly seq_before: bigint;
  readonly balance_before: bigint;
}

/** Entries whose number or balance does not follow from the one before, wallet by wallet. */
export async function* checkSequences(client: pg.PoolClient): AsyncGenerator<LedgerFinding> {
  const rows = readCursor<ChainedEntry>(client, {
    name: 'verify_sequence',
    page: 1_000,
    sql: `select c.*, w.account_id from (
        select lane, batch_no, wallet_id, event_key, seq, amount, balance_after,
          coalesce(lag(seq) over own, 0) as seq_before, coalesce(lag(balance_after) over own, 0) as balance_before
        from entry window own as (partition by wallet_id order by seq, event_key)
      ) c left join wallet w using (wallet_id)
      where c.seq <> c.seq_before + 1 or c.balance_after <> c.balance_before + c.amount order by c.wallet_id, c.seq`,
  });
  for await (const row of rows) {
    const about = {
      table: 'entry',
      lane: row.lane,
      batch: row.batch_no.toString(),
      account: row.account_id,
      wallet: formatWalletId(row.wallet_id),
      sequence: row.seq.toString(),
      eventKey: row.event_key,
    };
    const expected = row.seq_before + 1n;
    if (row.seq !== expected) {
      const values = { column: 'seq', stored: row.seq.toString(), expected: expected.toString() };
      const missing = row.seq > expected;
      const why = missing
        ? `entries ${expected} to ${row.seq - 1n} of the wallet are not there, or this one has a wrong number`
        : `entry ${row.seq} is there twice, or this one has a wrong number`;
      yield finding({ what: missing ? 'missing' : 'changed', ...about, ...values, why });
      // After a gap the balance has no known predecessor.
      if (missing) continue;
    }
    const balance = row.balance_before + row.amount;
    if (row.balance_after === balance) continue;
    const values = { column: 'balance_after', stored: row.balance_after.toString(), expected: balance.toString() };
    const why = `entry ${row.seq_before} left ${row.balance_before} nanos and this one moves ${row.amount}`;
    yield finding({ what: 'changed', ...about, ...values, why });
  }
}

interface HeadRow {
  readonly wallet_id: bigint;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly currency: string;
  readonly shard: number;
  readonly status: string;
  readonly status_sequence: bigint;
  readonly frozen_at: Date | null;
  readonly frozen_until: Date | null;
  /** Microseconds within the millisecond, which the driver cuts off. */
  readonly frozen_us: number | null;
  readonly frozen_by: string | null;
  readonly posted: bigint;
  readonly seq: bigint;
  readonly quarantined: bigint;
  readonly quarantined_events: bigint;
  readonly entries: bigint;
  readonly last_seq: bigint;
  readonly last_balance: bigint;
  readonly open_events: bigint;
  readonly open_amount: bigint;
  readonly last_status: number | null;
  readonly told: { readonly until: string | null; readonly decision: string | null } | null;
}

/** Every wallet's head against its entries, its quarantine, its last change of status and its own name. */
export async function* checkWallets(client: pg.PoolClient): AsyncGenerator<LedgerFinding, number> {
  const rows = readCursor<HeadRow>(client, {
    name: 'verify_wallet',
    page: 1_000,
    sql: `with own as (
        select wallet_id, count(*) as entries, max(seq) as last_seq,
          (array_agg(balance_after order by seq desc))[1] as last_balance,
          (array_agg(kind order by seq desc) filter (where kind in (4, 5)))[1] as last_status
        from entry group by wallet_id
      ), waiting as (
        select wallet_id, count(*) as events, coalesce(sum(amount), 0)::bigint as amount
        from quarantine where status = 'open' group by wallet_id
      )
      select w.*, extract(microseconds from w.frozen_until)::int % 1000 as frozen_us, coalesce(own.entries, 0) as entries, coalesce(own.last_seq, 0) as last_seq,
        coalesce(own.last_balance, 0) as last_balance, own.last_status, coalesce(waiting.events, 0) as open_events,
        coalesce(waiting.amount, 0) as open_amount, o.payload as told
      from wallet w left join own using (wallet_id) left join waiting using (wallet_id)
      left join outbox o on o.payload ->> 'account' = w.account_id and o.payload ->> 'tenant' = w.tenant_id
        and o.topic = 'wallet-status' and o.payload ->> 'sequence' = w.status_sequence::text
      order by w.wallet_id`,
  });
  let wallets = 0;
  for await (const row of rows) {
    wallets++;
    yield* walletFindings(row);
  }
  for await (const row of readCursor<{ wallet_id: bigint; entries: bigint }>(client, {
    name: 'verify_ownerless',
    page: 1_000,
    sql: `select wallet_id, count(*) as entries from entry e where not exists (select from wallet w where w.wallet_id = e.wallet_id)
      group by wallet_id order by wallet_id`,
  })) {
    const why = `${row.entries} entries belong to it, and it is not there`;
    yield finding({ what: 'missing', table: 'wallet', wallet: formatWalletId(row.wallet_id), why });
  }
  return wallets;
}

function walletFindings(row: HeadRow): readonly LedgerFinding[] {
  const address = addressOf(row.tenant_id, row.account_id, row.currency);
  // A thaw that is under way has no entry yet.
  const frozen = row.last_status === 4;
  const statusFits = frozen ? row.status !== 'active' : row.status !== 'frozen';
  const iso = (at: Date | null) => at?.toISOString() ?? null;
  const isTold = row.told !== null && row.status === 'frozen';
  const pairs: readonly (readonly [column: string, stored: string | null, expected: string | null, why: string])[] = [
    [
      'wallet_id',
      row.wallet_id.toString(),
      address.walletId.toString(),
      'the id is a hash of tenant_id, account_id and currency',
    ],
    ['shard', String(row.shard), String(address.shard), 'the shard is a hash of tenant and account'],
    ['posted', row.posted.toString(), row.last_balance.toString(), `entry ${row.last_seq} left another balance`],
    ['seq', row.seq.toString(), row.last_seq.toString(), 'the last entry has another number'],
    ['quarantined', row.quarantined.toString(), row.open_amount.toString(), 'open quarantined usage costs another sum'],
    [
      'quarantined_events',
      row.quarantined_events.toString(),
      row.open_events.toString(),
      'other events are open in quarantine',
    ],
    [
      'status',
      row.status,
      statusFits ? row.status : frozen ? 'frozen' : 'active',
      'its last freeze or thaw says otherwise',
    ],
    ['frozen_at', row.status === 'active' ? iso(row.frozen_at) : null, null, 'an active wallet has no freeze'],
    [
      'frozen_until',
      (row.frozen_us ?? 0) === 0 ? iso(row.frozen_until) : `${iso(row.frozen_until)} and ${row.frozen_us} µs`,
      isTold ? (row.told?.until ?? null) : row.status === 'active' ? null : iso(row.frozen_until),
      'services were told otherwise',
    ],
    [
      'frozen_by',
      row.frozen_by,
      isTold ? (row.told?.decision ?? null) : row.status === 'active' ? null : row.frozen_by,
      'services were told otherwise',
    ],
  ];
  return pairs.flatMap(([column, stored, expected, why]) =>
    stored === expected
      ? []
      : [
          finding({
            what: 'changed',
            table: 'wallet',
            column,
            stored,
            expected,
            account: row.account_id,
            wallet: formatWalletId(row.wallet_id),
            why,
          }),
        ],
  );
}

/** Settled quarantined usage against what settled it, and answered requests against what they did. */
export async function* checkSettled(client: pg.PoolClient): AsyncGenerator<LedgerFinding> {
  const { rows } = await client.query<{
    event_key: string;
    event_id: string;
    account_id: string;
    lane: number;
    batch_no: bigint;
    column: string;
    stored: string | null;
    expected: string | null;
    why: string;
  }>(
    `with settled as (
       select q.*, e.event_key is not null as charged, b.posted_at, b.actor
       from quarantine q left join entry e on e.event_key = q.event_key and e.kind = 6
       left join batch b on b.lane = e.lane and b.batch_no = e.batch_no
     )
     select event_key, event_id, account_id, lane, batch_no, c.* from settled q, lateral (values
       ('status', q.status, case when q.charged then 'posted' else 'open' end, 'no entry charges it',
         q.status = 'posted' and not q.charged),
       ('closed_at', q.closed_at::text, q.posted_at::text, 'it was charged at another time',
         q.status = 'posted' and q.charged and q.closed_at is distinct from q.posted_at),
       ('closed_by', q.closed_by, q.actor, 'somebody else charged it',
         q.status = 'posted' and q.charged and q.closed_by is distinct from q.actor),
       ('closed_at', q.closed_at::text, null, 'it is open', q.status = 'open' and q.closed_at is not null),
       ('closed_by', q.closed_by, null, 'it is open', q.status = 'open' and q.closed_by is not null),
       ('status', q.status, 'open', 'no batch voided usage at its closed_at in the name of its closed_by',
         q.status = 'void' and not exists (select from batch b where b.lane = q.lane and b.kind = 'void'
           and b.posted_at = q.closed_at and b.actor = q.closed_by))
     ) as c("column", stored, expected, why, wrong) where c.wrong limit 10000`,
  );
  for (const { event_key, event_id, account_id, lane, batch_no, column, stored, expected, why } of rows) {
    const about = { lane, batch: batch_no.toString(), account: account_id, eventKey: event_key, eventId: event_id };
    yield finding({ what: 'changed', table: 'quarantine', column, stored, expected, ...about, why });
  }
  const voids = await client.query<{ lane: number; batch_no: bigint; events: number; found: bigint }>(
    `select b.lane, b.batch_no, b.events, count(q.event_key) as found from batch b
     left join quarantine q on q.lane = b.lane and q.status = 'void' and q.closed_at = b.posted_at and q.closed_by = b.actor
     where b.kind = 'void' group by b.lane, b.batch_no, b.events, b.posted_at, b.actor
     having count(q.event_key) <> (select sum(o.events) from batch o where o.kind = 'void' and o.lane = b.lane
       and o.posted_at = b.posted_at and o.actor = b.actor) limit 10000`,
  );
  for (const { lane, batch_no, events, found } of voids.rows) {
    const values = { column: 'status', stored: found.toString(), expected: String(events) };
    const place = { lane, batch: batch_no.toString() };
    const why = `the batch voided ${events} quarantined events, and ${found} are void`;
    yield finding({ what: 'changed', table: 'quarantine', ...values, ...place, why });
  }
  yield* checkRequests(client);
}

async function* checkRequests(client: pg.PoolClient): AsyncGenerator<LedgerFinding> {
  const { rows } = await client.query<{
    lane: number;
    batch_no: bigint;
    key: string;
    is_there: boolean;
    stored: string | null;
    expected: string | null;
    column: string;
  }>(
    `select b.lane, b.batch_no, b.idempotency_key as key, r.idempotency_key is not null as is_there, c."column", c.stored, c.expected
     from batch b left join admin_request r using (idempotency_key), lateral (values
       ('request_hash', r.request_hash, b.request_hash), ('answered_at', r.answered_at::text, b.posted_at::text)
     ) as c("column", stored, expected)
     where b.idempotency_key is not null and c.stored is distinct from c.expected limit 10000`,
  );
  for (const { lane, batch_no, key, is_there, column, stored, expected } of rows) {
    if (!is_there && column !== 'request_hash') continue;
    const place = { table: 'admin_request', lane, batch: batch_no.toString() };
    const why = is_there ? `request ${key} and its batch disagree` : `the answer to request ${key} is not there`;
    if (is_there) yield finding({ what: 'changed', ...place, column, stored, expected, why });
    else yield finding({ what: 'missing', ...place, column: 'idempotency_key', why });
  }
}
