-- Reconciliation with Stripe: runs, what is being read, and what payments cost.

create table reconcile_run (
  run_id text primary key,
  from_at timestamptz not null,
  to_at timestamptz not null check (to_at > from_at),
  is_dry boolean not null,
  status text not null default 'running' check (status in ('running', 'done')),
  started_at timestamptz not null,
  finished_at timestamptz,
  -- Sums of the run, money in nano-units as text.
  report json
);
create index reconcile_run_done on reconcile_run (finished_at desc) where status = 'done';

-- Stripe's side of a run while it lasts. Unlogged: after a crash of the server it is read again, and its places with it.
create unlogged table reconcile_slice (
  run_id text not null,
  slice_no integer not null,
  from_at timestamptz not null,
  to_at timestamptz not null,
  -- The last row that is stored: pages go on after it.
  after_id text,
  is_done boolean not null default false,
  primary key (run_id, slice_no)
);
create unlogged table reconcile_row (
  run_id text not null,
  txn_id text not null,
  -- The Stripe object that moved the money; null for payouts and fees of their own.
  reference text,
  type text not null,
  -- Smallest units: what the customer was charged, and what became of it in Stripe's balance.
  currency char(3) not null,
  amount bigint not null,
  balance_currency char(3) not null,
  balance_amount bigint not null,
  fee bigint not null,
  net bigint not null,
  payment_intent text,
  topup_id text,
  at timestamptz not null,
  primary key (run_id, txn_id)
);

-- What Stripe took, by day: smallest units of the currency of its balance.
create table stripe_fee_day (
  day date not null,
  currency char(3) not null,
  fee bigint not null,
  turnover bigint not null,
  transactions bigint not null,
  updated_at timestamptz not null,
  primary key (day, currency)
);

-- Cash is looked for by time: without it every run would read all batches of usage.
create index batch_cash on batch (posted_at) where kind in ('topup', 'grant', 'refund', 'dispute', 'reinstate');
