-- Holds: money reserved for a call whose cost is known afterwards. What a wallet holds is the sum of its open holds, read
-- from an index; no counter in the wallet's row, because every hold would have to update it beside the lane's batches.

alter table wallet drop column held;

create table hold (
  tenant_id text not null,
  hold_id text not null check (hold_id <> '' and length(hold_id) <= 200),
  wallet_id bigint not null,
  shard smallint not null,
  amount bigint not null check (amount > 0),
  -- The most that may be captured; what lies above the amount is not reserved and must fit the balance then.
  capture_max bigint not null check (capture_max >= amount),
  captured bigint not null default 0 check (captured between 0 and capture_max),
  state text not null default 'open' check (state in ('open', 'captured', 'released', 'expired')),
  placed_at timestamptz not null,
  expires_at timestamptz not null,
  closed_at timestamptz check ((closed_at is null) = (state = 'open')),
  actor text not null,
  primary key (tenant_id, hold_id),
  check ((captured > 0) = (state = 'captured'))
);
create index hold_open on hold (wallet_id) include (amount) where state = 'open';
create index hold_due on hold (expires_at) where state = 'open';
create index hold_wallet on hold (wallet_id, placed_at desc);

-- What was asked of a hold, and the answer: the same key again is answered as before.
create table hold_operation (
  tenant_id text not null,
  hold_id text not null,
  idempotency_key text not null check (idempotency_key <> '' and length(idempotency_key) <= 200),
  request_hash text not null,
  operation text not null check (operation in ('place', 'extend', 'capture', 'release')),
  result json not null,
  actor text not null,
  reason text,
  at timestamptz not null,
  primary key (tenant_id, hold_id, idempotency_key)
);

alter table batch drop constraint batch_kind_check, add constraint batch_kind_check
  check (kind in ('usage', 'topup', 'grant', 'freeze', 'thaw', 'release', 'void', 'expire', 'refund', 'dispute',
    'reinstate', 'correct', 'limit', 'capture'));
