-- Rules across accounts on live traffic. Lanes write what such rules look at with their batches; one keeper folds it in one
-- order and hands what it finds to the lanes of the accounts, each finding once.

-- A small row of an event that rules across accounts look at: hashes and flags only.
create table fleet_sighting (
  lane smallint not null,
  batch_no bigint not null,
  -- Place of the event among the facts of its batch.
  position integer not null,
  tenant_id text not null,
  account_id text not null,
  meter text not null,
  ingested_at timestamptz not null,
  is_foreign boolean not null,
  details jsonb not null,
  -- Place in the order the keeper has folded all rows in; null until then. It is all that is kept of where the keeper stands.
  fold_no bigint unique,
  primary key (lane, batch_no, position)
);
create index fleet_sighting_waiting on fleet_sighting (ingested_at, lane, batch_no, position) where fold_no is null;
create index fleet_sighting_folded on fleet_sighting (tenant_id, fold_no) where fold_no is not null;
create index fleet_sighting_age on fleet_sighting (ingested_at);

-- The keeper's fence: whoever raises the epoch is the only one whose folds commit.
create table fleet_keeper (
  is_only boolean primary key default true check (is_only),
  epoch bigint not null default 0,
  owner text,
  last_fold bigint not null default 0
);
insert into fleet_keeper default values;

-- What the keeper has found about an account. The lane's writer judges it with its next batch and writes that batch's number in
-- the same database transaction.
create table fleet_finding (
  finding_id bigint generated always as identity primary key,
  lane smallint not null,
  wallet_id bigint not null references wallet,
  tenant_id text not null,
  account_id text not null,
  rule_id text not null,
  -- Evidence in decades, before calibration.
  raw double precision not null,
  at timestamptz not null,
  -- The row that showed it, and the rules it was found by.
  fold_no bigint not null,
  ruleset_hash text not null,
  applied_batch bigint,
  unique (tenant_id, account_id, rule_id, fold_no)
);
create index fleet_finding_waiting on fleet_finding (lane, finding_id) where applied_batch is null;
create index fleet_finding_wallet on fleet_finding (wallet_id) where applied_batch is not null;

-- How much usage all accounts together had in an hour, and how much busier that was than usual.
create table platform_hour (
  hour timestamptz primary key,
  accounts integer not null,
  -- Charged events, none counted of what an account had beyond the 95th percentile of all.
  events bigint not null,
  factor double precision not null check (factor >= 1)
);

-- The first batch of each lane that was judged with a factor: what a replay of its decisions needs.
create table platform_use (
  lane smallint not null,
  batch_no bigint not null,
  hour timestamptz not null,
  factor double precision not null,
  primary key (lane, batch_no)
);

-- Slow-downs: a limit per period that rules set on a wallet until a date, beside the limit people have set. Ending one is
-- taking it away: the wallet's own limit was there all the time.
alter table wallet add column slowed jsonb check (slowed is null or (slowed ->> 'untilMs' is not null and slowed ->> 'by' is not null));
create index wallet_slowed on wallet (((slowed ->> 'untilMs')::bigint)) where slowed is not null;
