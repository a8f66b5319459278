-- The ledger, its lanes, and everything a batch writes in its one transaction.
-- Words follow the glossary in docs/architecture.md. Money is bigint nano-units; times are timestamptz in UTC.

create table tenant (
  tenant_id text primary key check (tenant_id <> '' and length(tenant_id) <= 64),
  created_at timestamptz not null default now()
);
insert into tenant (tenant_id) values ('default');

create table account (
  tenant_id text not null references tenant,
  account_id text not null check (account_id <> ''),
  -- `unconfirmed`: opened by usage that arrived before anybody declared the account.
  status text not null default 'unconfirmed' check (status in ('unconfirmed', 'confirmed', 'closed')),
  opened_at timestamptz not null,
  primary key (tenant_id, account_id)
);

-- 1,024 logical shards; moving one to another lane is an update here while both lanes are idle.
create table shard_lane (
  shard smallint primary key check (shard between 0 and 1023),
  lane smallint not null
);

-- The fence. Batches take the row FOR SHARE; freezes, top-ups and takeovers take it FOR UPDATE (docs/decisions/0002).
create table lane_epoch (
  lane smallint primary key,
  epoch bigint not null default 0,
  change_no bigint not null default 0,
  owner text,
  taken_at timestamptz
);

create table lane_head (
  lane smallint primary key references lane_epoch,
  last_batch bigint not null default 0,
  chain bytea not null default '\x',
  -- Our clock in this lane never goes back: the highest ingestedAt committed so far.
  ingested_at timestamptz,
  -- Every feature row of the lane includes all facts up to and including this batch.
  features_through bigint not null default 0
) with (fillfactor = 50);

-- Wallets changed by others than the lane's writer, which reloads them before its next batch.
create table lane_change (
  lane smallint not null,
  change_no bigint not null,
  wallet_id bigint not null,
  primary key (lane, change_no, wallet_id)
);

create table wallet (
  wallet_id bigint primary key,
  tenant_id text not null,
  account_id text not null,
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  shard smallint not null,
  status text not null default 'active' check (status in ('active', 'frozen', 'thawing')),
  status_sequence bigint not null default 0,
  frozen_at timestamptz,
  frozen_until timestamptz,
  frozen_by text,
  posted bigint not null default 0,
  held bigint not null default 0 check (held >= 0),
  overdraft_limit bigint,
  seq bigint not null default 0,
  quarantined bigint not null default 0,
  quarantined_events bigint not null default 0,
  opened_at timestamptz not null,
  unique (tenant_id, account_id, currency),
  foreign key (tenant_id, account_id) references account
) with (fillfactor = 50);
comment on column wallet.overdraft_limit is 'how far below zero usage may go; null takes the ruleset default';

-- One row per ledger transaction: a usage batch of a lane, or one administrative change of one wallet.
create table batch (
  lane smallint not null,
  batch_no bigint not null,
  kind text not null check (kind in ('usage', 'topup', 'freeze', 'thaw', 'release', 'void')),
  epoch bigint not null,
  events integer not null default 0,
  posted integer not null default 0,
  duplicate integer not null default 0,
  quarantined integer not null default 0,
  -- What the batch's facts were priced at, summed before any entry was made (one of the four proofs).
  priced bigint not null default 0,
  ruleset_hash text,
  idempotency_key text unique,
  request_hash text,
  actor text not null,
  reason text,
  chain bytea not null,
  posted_at timestamptz not null default now(),
  primary key (lane, batch_no)
);

-- The other legs of each ledger transaction: revenue, cash, promotional credit. One row a batch, ledger account and
-- currency, instead of one hot house row that every debit updates.
create table batch_contra (
  lane smallint not null,
  batch_no bigint not null,
  ledger_account text not null check (ledger_account in ('revenue', 'cash', 'promotion', 'correction')),
  currency char(3) not null,
  amount bigint not null,
  primary key (lane, batch_no, ledger_account, currency)
);

-- The normalised events of a batch with their statuses: history for replay, backtest and takeover.
create table batch_facts (
  lane smallint not null,
  batch_no bigint not null,
  events integer not null,
  facts bytea not null,
  id_filter bytea not null,
  primary key (lane, batch_no)
);
alter table batch_facts alter column facts set storage external;
alter table batch_facts alter column id_filter set storage external;

-- Append-only wallet legs. event_key starts with the event's time, so its ranges are days and inserts stay at the
-- right edge of one index, which is also the global dedupe index.
create table entry (
  event_key uuid not null,
  wallet_id bigint not null,
  seq bigint not null,
  amount bigint not null,
  balance_after bigint not null,
  event_time timestamptz not null,
  content_hash bigint not null,
  batch_no bigint not null,
  lane smallint not null,
  kind smallint not null,
  unique (event_key)
) partition by range (event_key);
comment on column entry.kind is '1 usage, 2 fact, 3 topup, 4 freeze, 5 thaw, 6 released usage';

create table quarantine (
  event_key uuid primary key,
  wallet_id bigint,
  tenant_id text not null,
  account_id text not null,
  lane smallint not null,
  batch_no bigint not null,
  -- Arrival order inside the batch: quarantined usage is posted oldest first.
  position integer not null,
  reason text not null check (reason in ('frozen', 'over_limit', 'unknown_meter', 'too_late', 'in_future', 'altered')),
  amount bigint,
  content_hash bigint not null,
  event_id text not null,
  source text not null,
  meter text not null,
  event_time timestamptz not null,
  ingested_at timestamptz not null,
  decision_id text,
  event text not null,
  status text not null default 'open' check (status in ('open', 'posted', 'void')),
  closed_at timestamptz,
  closed_by text
);
create index quarantine_open on quarantine (wallet_id, lane, batch_no, position) where status = 'open';
create index quarantine_event on quarantine (event_id);

create table rejected_event (
  rejection_key bytea primary key,
  tenant_id text not null,
  event_id text,
  source text,
  code text not null,
  field text not null,
  value text not null,
  fix text not null,
  queue text not null,
  job_id text not null,
  position integer not null,
  raw text not null,
  rejected_at timestamptz not null default now()
);
create index rejected_event_id on rejected_event (event_id);
create index rejected_event_at on rejected_event (rejected_at);

-- A checkpoint of an account's features: later facts are folded again on takeover.
create table feature_state (
  wallet_id bigint primary key,
  lane smallint not null,
  through_batch bigint not null,
  state bytea not null
) with (fillfactor = 70);
alter table feature_state alter column state set storage external;

create table decision (
  decision_id text primary key,
  tenant_id text not null,
  wallet_id bigint not null,
  account_id text not null,
  lane smallint not null,
  batch_no bigint not null,
  event_key uuid not null,
  outcome text not null check (outcome in ('allow', 'watch', 'review', 'freeze')),
  score double precision not null,
  ruleset_hash text not null,
  decided_at timestamptz not null,
  evidence json not null
);
create index decision_wallet on decision (wallet_id, decided_at desc);

create table alert (
  alert_id text primary key,
  decision_id text not null references decision,
  lane smallint not null,
  batch_no bigint not null,
  -- Order inside the batch: alerts of the same millisecond are listed in the order they were raised.
  position integer not null,
  tenant_id text not null,
  wallet_id bigint not null,
  account_id text not null,
  outcome text not null,
  title text not null,
  summary text not null,
  money_at_risk bigint not null,
  loss bigint not null,
  status text not null default 'open' check (status in ('open', 'confirmed_fraud', 'benign', 'duplicate')),
  raised_at timestamptz not null,
  closed_at timestamptz,
  closed_by text
);
create index alert_raised on alert (raised_at desc, lane desc, batch_no desc, position desc);
create index alert_account on alert (tenant_id, account_id, raised_at desc);

create table outbox (
  outbox_id bigint generated always as identity primary key,
  topic text not null,
  message_key text not null unique,
  payload json not null,
  created_at timestamptz not null default now(),
  sent_at timestamptz
);
create index outbox_unsent on outbox (outbox_id) where sent_at is null;

create table audit_log (
  audit_id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  tenant_id text not null,
  actor text not null,
  action text not null,
  subject text not null,
  detail json not null
);

-- Entries are history: SQL itself refuses to change or delete them.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of % are append-only; post a correction instead', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger entry_append_only before update or delete on entry for each row execute function refuse_change();
create trigger batch_append_only before update or delete on batch for each row execute function refuse_change();
create trigger batch_contra_append_only before update or delete on batch_contra for each row execute function refuse_change();

create index wallet_frozen_until on wallet (frozen_until) where status = 'frozen';
