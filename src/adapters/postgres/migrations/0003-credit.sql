-- Credit in its own order, what rounding leaves, spending limits per time, and the changes people and banks make.

alter table wallet
  add column residue bigint not null default 0,
  add column throttle_limit bigint check (throttle_limit >= 0),
  add column throttle_period_ms bigint check (throttle_period_ms > 0),
  add column throttle_period_at timestamptz,
  add column throttle_spent bigint,
  add column throttle_told_at timestamptz,
  add column throttle_told_sequence bigint,
  add constraint wallet_throttle_whole
    check (num_nulls(throttle_limit, throttle_period_ms, throttle_period_at, throttle_spent) in (0, 4));
comment on column wallet.throttle_told_at is 'period whose limit services were last told is hit, by the message with throttle_told_sequence';
comment on column wallet.residue is 'exact charges less what was paid for them, in 10^-18 nano-units';

-- Credit that is spent in its own order or ends. Paid credit without a date is a wallet's base credit and has no row:
-- it is the balance less what is left here.
create table credit_grant (
  grant_id text primary key,
  wallet_id bigint not null references wallet,
  source text not null check (source in ('paid', 'promotional')),
  priority smallint not null check (priority between 0 and 100),
  amount bigint not null check (amount > 0),
  remaining bigint not null check (remaining between 0 and amount),
  expires_at timestamptz,
  created_at timestamptz not null,
  lane smallint not null,
  batch_no bigint not null
);
create index credit_grant_open on credit_grant (wallet_id) where remaining > 0;
create index credit_grant_expiry on credit_grant (expires_at) where remaining > 0 and expires_at is not null;

-- What each batch took out of each grant: spent by usage, or expired.
create table grant_burn (
  lane smallint not null,
  batch_no bigint not null,
  grant_id text not null references credit_grant,
  wallet_id bigint not null,
  amount bigint not null check (amount > 0),
  primary key (lane, batch_no, grant_id)
);
create index grant_burn_grant on grant_burn (grant_id);
create trigger grant_burn_append_only before update or delete on grant_burn for each row execute function refuse_change();

alter table quarantine add column residue bigint not null default 0;
comment on column quarantine.residue is 'the exact charge less amount, in 10^-18 nano-units';
alter table quarantine drop constraint quarantine_reason_check, add constraint quarantine_reason_check
  check (reason in ('frozen', 'over_limit', 'throttled', 'unknown_meter', 'too_late', 'in_future', 'altered'));

-- Wallets that the sweeper looks at in each new period.
create index quarantine_throttled on quarantine (wallet_id) where status = 'open' and reason = 'throttled';

alter table batch drop constraint batch_kind_check, add constraint batch_kind_check
  check (kind in ('usage', 'topup', 'grant', 'freeze', 'thaw', 'release', 'void', 'expire', 'refund', 'dispute',
    'reinstate', 'correct', 'limit'));
alter table batch_contra drop constraint batch_contra_ledger_account_check,
  add constraint batch_contra_ledger_account_check
  check (ledger_account in ('revenue', 'cash', 'promotion', 'correction', 'breakage'));
comment on column entry.kind is '1 usage, 2 fact, 3 topup, 4 freeze, 5 thaw, 6 released usage, 7 captured hold, 8 reversal, 9 amended, 10 expired, 11 refund, 12 dispute, 13 reinstated, 14 correction, 15 grant';
