-- Money from Stripe: what was asked for, what Stripe said happened, and what a person must look at.
-- The ledger itself is untouched: every movement of money is an ordinary ledger transaction, once per key.

create table stripe_customer (
  customer_id text primary key check (customer_id <> ''),
  tenant_id text not null references tenant,
  account_id text not null check (account_id <> ''),
  -- The card that automatic top-ups charge; null until one was saved by a payment, or after it was detached.
  payment_method text,
  created_at timestamptz not null,
  deleted_at timestamptz,
  unique (tenant_id, account_id)
);

create table topup (
  topup_id text primary key,
  tenant_id text not null references tenant,
  account_id text not null check (account_id <> ''),
  wallet_id bigint not null,
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  kind text not null check (kind in ('checkout', 'auto')),
  -- What was asked for, in nano-units.
  amount bigint not null check (amount > 0),
  status text not null check (status in ('pending', 'awaiting_customer', 'processing', 'in_review', 'paid', 'declined', 'canceled', 'expired', 'failed')),
  -- Business attempts: each has its own idempotency key at Stripe; retries of the network repeat the same one.
  attempt integer not null default 1 check (attempt > 0),
  customer_id text,
  payment_method text,
  payment_intent text unique,
  checkout_session text unique,
  -- Where the customer pays or confirms, and until when.
  url text,
  url_expires_at timestamptz,
  -- The customer was before Radar when it began: the money is only authorised until somebody has looked.
  is_flagged boolean not null default false,
  review_id text,
  -- The review was opened by the rule that reads our list or metadata: proof that the rule is there.
  is_reviewed_by_rule boolean not null default false,
  capture_before timestamptz,
  decline_code text,
  decline_class text check (decline_class in ('retry', 'stop', 'authenticate')),
  note text,
  -- Posted so far, in nano-units: the credit, what refunds and disputes took, what came back.
  credited bigint not null default 0,
  refunded bigint not null default 0,
  disputed bigint not null default 0,
  next_try_at timestamptz,
  tries integer not null default 0,
  request_key text not null unique check (request_key <> '' and length(request_key) <= 200),
  request_hash text not null,
  actor text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index topup_account on topup (tenant_id, account_id, created_at desc);
create index topup_open on topup (next_try_at) where status in ('pending', 'awaiting_customer', 'processing', 'in_review');
create index topup_auto on topup (wallet_id, created_at desc) where kind = 'auto';
-- One automatic top-up of a wallet at a time, whatever raced to start it.
create unique index topup_in_flight on topup (wallet_id)
  where kind = 'auto' and status in ('pending', 'awaiting_customer', 'processing', 'in_review');

create table auto_topup (
  wallet_id bigint primary key,
  tenant_id text not null references tenant,
  account_id text not null,
  currency char(3) not null,
  is_on boolean not null default true,
  -- Below this balance (nano-units) `amount` is charged.
  threshold bigint not null,
  amount bigint not null check (amount > 0),
  daily_cap bigint not null check (daily_cap > 0),
  burst_max integer not null check (burst_max > 0),
  burst_window_ms bigint not null check (burst_window_ms > 0),
  declines integer not null default 0,
  paused_until timestamptz,
  -- Set while only a person or a new card can start it again.
  stopped_because text,
  -- A new card ends what a card has stopped, never an alarm.
  stopped_kind text check (stopped_kind in ('card', 'alarm')),
  -- Only top-ups after it count towards the burst: whoever resumes has looked at those before.
  resumed_at timestamptz,
  updated_at timestamptz not null,
  updated_by text not null
);
create index auto_topup_on on auto_topup (wallet_id) where is_on and stopped_because is null;

-- Every event that was verified or fetched, once by its id. Only what processing needs is kept of it: the objects
-- themselves are fetched again, so the books never depend on what a delivery said.
create table stripe_event (
  event_id text primary key check (event_id <> ''),
  type text not null,
  shape text not null check (shape in ('snapshot', 'thin')),
  origin text not null check (origin in ('webhook', 'backfill')),
  api_version text,
  is_live boolean not null,
  created_at timestamptz not null,
  received_at timestamptz not null,
  object_id text,
  object_type text,
  payment_intent text,
  charge_id text,
  customer_id text,
  status text not null default 'waiting' check (status in ('waiting', 'done', 'ignored', 'kept')),
  reason text,
  processed_at timestamptz
);
create index stripe_event_waiting on stripe_event (received_at) where status = 'waiting';
create index stripe_event_kept on stripe_event (received_at desc) where status = 'kept';
create index stripe_event_payment on stripe_event (payment_intent);

-- Something about money that a machine may not decide. `subject` is the object it is about: one case for each kind of it.
create table money_case (
  case_id text primary key,
  tenant_id text references tenant,
  account_id text,
  kind text not null check (kind <> ''),
  subject text not null check (subject <> ''),
  title text not null,
  detail json not null,
  status text not null default 'open' check (status in ('open', 'closed')),
  opened_at timestamptz not null,
  closed_at timestamptz,
  closed_by text,
  closed_reason text,
  unique (kind, subject)
);
create index money_case_open on money_case (opened_at desc) where status = 'open';

-- What Stripe and the banks say about an account: early fraud warnings, disputes, reviews, declines.
create table payment_signal (
  signal_key text primary key,
  tenant_id text not null references tenant,
  account_id text not null,
  kind text not null check (kind <> ''),
  subject text not null,
  payment_intent text,
  at timestamptz not null,
  detail json not null
);
create index payment_signal_account on payment_signal (tenant_id, account_id, at desc);

-- Small facts about the Stripe account: the value list, whether lists work, how far events have been fetched.
create table stripe_fact (
  name text primary key,
  value json not null,
  updated_at timestamptz not null
);
