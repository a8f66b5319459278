import type pg from 'pg';
import { addressOf, formatWalletId } from '../../../domain/ids.ts';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import { finding, type LedgerFinding } from '../../../pipeline/queries/ledger-finding.ts';
import { TAKEN } from '../admin/wallet-quarantine.ts';
import { readCursor } from '../queries/read-cursor.ts';
import { readLimits, type SetLimits } from './check-credit.ts';
import { readLifted, SLOWED_COLUMNS, type SlowedRow, slowedPair } from './check-slowed.ts';
import { changedResidue, type ResidueWalk } from './residue-walk.ts';

interface HeadRow extends SlowedRow {
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
  readonly status_seq: bigint;
  /** Highest number in an archived day; 0 without any. */
  readonly archived_seq: bigint;
  readonly amount: bigint;
  readonly residue: bigint;
  readonly overdraft_limit: bigint | null;
  readonly throttle_limit: bigint | null;
  readonly throttle_period_ms: bigint | null;
  readonly told: { readonly until: string | null; readonly decision: string | null } | null;
}

/** What going through the batches has shown of the wallets. */
export interface SeenWallets {
  readonly residues: Pick<ResidueWalk, 'residueOf'>;
  /** The last freeze or thaw in an archived day, as far as its file is here. */
  readonly statuses: ReadonlyMap<bigint, { readonly seq: bigint; readonly kind: number }>;
  /** All lanes and all archived days were gone through. */
  readonly isWhole: boolean;
}

/** Every wallet's head against its entries, its quarantine, its last change of status, its limits and its own name. */
export async function* checkWallets(client: pg.PoolClient, seen: SeenWallets): AsyncGenerator<LedgerFinding, number> {
  const limits = await readLimits(client);
  const lifted = await readLifted(client);
  const rows = readCursor<HeadRow>(client, {
    name: 'verify_wallet',
    page: 1_000,
    sql: `with attached as (
        select wallet_id, count(*) as entries, sum(amount) as amount, max(seq) as last_seq,
          (array_agg(balance_after order by seq desc))[1] as last_balance,
          (array_agg(kind order by seq desc) filter (where kind in (4, 5)))[1] as last_status,
          max(seq) filter (where kind in (4, 5)) as status_seq
        from entry group by wallet_id
      ), archived as (
        select wallet_id, sum(a.entries)::bigint as entries, sum(a.amount) as amount, max(last_seq) as last_seq,
          (array_agg(last_balance order by last_seq desc))[1] as last_balance
        from archived_wallet_day a join archived_day d using (day) where d.state = 'archived' group by wallet_id
      ), own as (
        select wallet_id, coalesce(t.entries, 0) + coalesce(a.entries, 0) as entries,
          (coalesce(t.amount, 0) + coalesce(a.amount, 0))::bigint as amount, greatest(t.last_seq, a.last_seq) as last_seq,
          case when coalesce(a.last_seq, 0) > coalesce(t.last_seq, 0) then a.last_balance else t.last_balance end as last_balance,
          t.last_status, t.status_seq, a.last_seq as archived_seq
        from attached t full join archived a using (wallet_id)
      ), waiting as (
        select wallet_id, count(*) as events, coalesce(sum(amount), 0)::bigint as amount
        from quarantine where status = 'open' group by wallet_id
      )
      select w.*, extract(microseconds from w.frozen_until)::int % 1000 as frozen_us, coalesce(own.entries, 0) as entries, coalesce(own.last_seq, 0) as last_seq,
        coalesce(own.last_balance, 0) as last_balance, own.last_status, coalesce(own.status_seq, 0) as status_seq,
        coalesce(own.archived_seq, 0) as archived_seq, coalesce(own.amount, 0) as amount, coalesce(waiting.events, 0) as open_events,
        coalesce(waiting.amount, 0) as open_amount, o.payload as told, ${SLOWED_COLUMNS}
      from wallet w left join own using (wallet_id) left join waiting using (wallet_id)
      left join outbox o on o.payload ->> 'account' = w.account_id and o.payload ->> 'tenant' = w.tenant_id
        and o.topic = 'wallet-status' and o.payload ->> 'sequence' = w.status_sequence::text
      order by w.wallet_id`,
  });
  let wallets = 0;
  for await (const row of rows) {
    wallets++;
    yield* walletFindings(row, seen, { set: limits.get(formatWalletId(row.wallet_id)), lifted });
    yield* changedResidue(row, seen.residues.residueOf(row.wallet_id, row.seq));
  }
  for await (const row of readCursor<{ wallet_id: bigint; entries: bigint }>(client, {
    name: 'verify_ownerless',
    page: 1_000,
    sql: `select wallet_id, sum(entries)::bigint as entries from wallet_part p
      where not exists (select from wallet w where w.wallet_id = p.wallet_id) group by wallet_id order by wallet_id`,
  })) {
    const why = `${row.entries} entries belong to it, and it is not there`;
    yield finding({ what: 'missing', table: 'wallet', wallet: formatWalletId(row.wallet_id), why });
  }
  return wallets;
}

function walletFindings(
  row: HeadRow,
  seen: SeenWallets,
  { set, lifted }: { readonly set: SetLimits | undefined; readonly lifted: ReadonlySet<string> },
): readonly LedgerFinding[] {
  const address = addressOf(row.tenant_id, row.account_id, row.currency);
  // A thaw that is under way has no entry yet.
  const archived = seen.statuses.get(row.wallet_id);
  const isArchived = archived !== undefined && archived.seq > row.status_seq;
  const frozen = (isArchived ? archived.kind : row.last_status) === ENTRY_KIND.freeze;
  // An archived day that was not gone through may hold a later freeze or thaw.
  const isKnown = seen.isWhole || isArchived || row.archived_seq <= row.status_seq;
  const statusFits = !isKnown ? true : frozen ? row.status !== 'active' : row.status !== 'frozen';
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
    ...(row.archived_seq === 0n ? [] : archivedPairs(row)),
    ['overdraft_limit', text(row.overdraft_limit), set?.overdraft_limit ?? null, 'the audit log says otherwise'],
    ['throttle_limit', text(row.throttle_limit), set?.throttle_limit ?? null, 'the audit log says otherwise'],
    [
      'throttle_period_ms',
      text(row.throttle_period_ms),
      set?.throttle_period_ms ?? null,
      'the audit log says otherwise',
    ],
    ['slowed', ...slowedPair(row, lifted), 'the decision behind it says otherwise'],
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

/** What archived days add to a wallet's sum and numbers. */
function archivedPairs(row: HeadRow) {
  return [
    ['posted', row.posted.toString(), row.amount.toString(), 'entries and archived days add up to another balance'],
    ['seq', row.last_seq.toString(), row.entries.toString(), 'there are so many entries, archived days included'],
  ] as const;
}

function text(value: bigint | null): string | null {
  return value?.toString() ?? null;
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
       select q.*, coalesce(e.kind = 6, false) as charged, e.event_key is not null as taken, b.posted_at, b.actor,
         case when l.detail -> 'filter' is not null then l.detail ->> 'key' end as request,
         exists (select from archived_day d where d.state = 'archived' and d.day = (q.event_time at time zone 'UTC')::date) as away
       from quarantine q left join entry e on e.event_key = q.event_key
       left join batch b on b.lane = e.lane and b.batch_no = e.batch_no and e.kind = 6
       left join audit_log l on l.lane = b.lane and l.batch_no = b.batch_no
     )
     select event_key, event_id, account_id, lane, batch_no, c.* from settled q, lateral (values
       ('status', q.status, case when q.charged then 'posted' else 'open' end, 'no entry charges it',
         q.status = 'posted' and not q.charged and not q.away),
       ('closed_at', q.closed_at::text, q.posted_at::text, 'it was charged at another time',
         q.status = 'posted' and q.charged and q.closed_at is distinct from q.posted_at),
       ('closed_by', q.closed_by, q.actor, 'somebody else charged it',
         q.status = 'posted' and q.charged and q.closed_by is distinct from q.actor),
       ('closed_request', q.closed_request, q.request, 'another request charged it',
         q.status = 'posted' and q.charged and q.closed_request is distinct from q.request),
       ('closed_at', q.closed_at::text, null, 'it is open', q.status = 'open' and q.closed_at is not null),
       ('closed_by', q.closed_by, null, 'it is open', q.status = 'open' and q.closed_by is not null),
       ('closed_request', q.closed_request, null, 'it is open', q.status = 'open' and q.closed_request is not null),
       ('closed_reason', q.closed_reason, case q.status when 'duplicate' then $1 end, 'only duplicates have one',
         q.closed_reason is distinct from case q.status when 'duplicate' then $1 end),
       ('status', q.status, 'open', 'no entry has its key', q.status = 'duplicate' and not q.taken and not q.away),
       ('status', q.status, 'open', 'no batch closed usage at its closed_at in the name of its closed_by, for its closed_request',
         (q.status in ('void', 'duplicate') or q.status = 'posted' and q.away) and not exists (select from batch b
           join audit_log l on l.lane = b.lane and l.batch_no = b.batch_no
           where b.lane = q.lane and b.kind = case q.status when 'void' then 'void' else 'release' end
             and b.posted_at = q.closed_at and b.actor = q.closed_by
             and case when l.detail -> 'filter' is not null then l.detail ->> 'key' end is not distinct from q.closed_request))
     ) as c("column", stored, expected, why, wrong) where c.wrong limit 10000`,
    [TAKEN],
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
