-- Corrections of posted events, and quarantine that people settle row by row.

alter table batch drop constraint batch_kind_check, add constraint batch_kind_check
  check (kind in ('usage', 'topup', 'grant', 'freeze', 'thaw', 'release', 'void', 'expire', 'refund', 'dispute',
    'reinstate', 'correct', 'limit', 'capture', 'reversal', 'amend'));

-- One row per correction of a posted event. `reversed` is what the event had been charged until then and what its
-- reversal credits; `charged` is the new charge, zero for a void.
create table event_correction (
  event_key uuid not null,
  correction_no integer not null check (correction_no > 0),
  kind text not null check (kind in ('void', 'amend')),
  wallet_id bigint not null references wallet,
  lane smallint not null,
  batch_no bigint not null,
  -- Derived from event_key and correction_no: two corrections that start from the same state cannot both be stored.
  reversal_key uuid not null unique,
  amended_key uuid unique,
  reversed bigint not null check (reversed >= 0),
  charged bigint not null check (charged >= 0),
  meter text,
  -- Null when the charge was given as an amount of money.
  quantity text,
  ruleset_hash text,
  actor text not null,
  reason text not null,
  corrected_at timestamptz not null,
  primary key (event_key, correction_no),
  check ((kind = 'amend') = (amended_key is not null)),
  check (kind = 'amend' or charged = 0)
);
-- A void is final: at most one for an event, whatever its number.
create unique index event_correction_void on event_correction (event_key) where kind = 'void';
create trigger event_correction_append_only before update or delete on event_correction
  for each row execute function refuse_change();

-- `duplicate`: the same key was posted by another lane while this row was open, so it can never be posted itself.
alter table quarantine drop constraint quarantine_status_check;
alter table quarantine add constraint quarantine_status_check check (status in ('open', 'posted', 'void', 'duplicate'));
alter table quarantine add column closed_reason text;
-- The request that closed the row: what a request settled in many transactions is the sum of its rows.
alter table quarantine add column closed_request text;
create index quarantine_closed_request on quarantine (closed_request) where closed_request is not null;
create index quarantine_waiting on quarantine (tenant_id, event_time) where status = 'open';
