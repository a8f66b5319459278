-- Usage told to meters of a billing provider (docs/usage-export.md): what the ledger holds for each customer, meter and
-- hour, how much of it was exported, and every event that was sent, kept before it is sent.

-- Meters that are exported, since when. `starts`: the last batch of each lane that came before; usage until then is not ours.
create table usage_export_meter (
  meter text primary key check (meter <> ''),
  since timestamptz not null,
  starts jsonb not null
);

-- How far the facts of each lane have been added up.
create table usage_export_cursor (
  lane smallint primary key,
  through_batch bigint not null
);

-- What changed usage other than a batch of facts, in the transaction that changed it; gone when it is added up.
create table usage_export_change (
  change_id bigint generated always as identity primary key,
  kind text not null check (kind in ('released', 'corrected')),
  event_key uuid not null,
  correction_no integer,
  changed_at timestamptz not null default clock_timestamp(),
  -- Why it could not be added up: a person decides.
  problem text,
  check ((kind = 'corrected') = (correction_no is not null))
);

create function note_usage_change() returns trigger language plpgsql as $$
begin
  -- Nothing is kept for whoever exports nothing.
  if exists (select from usage_export_meter) then
    if tg_table_name = 'quarantine' then
      insert into usage_export_change (kind, event_key) values ('released', new.event_key);
    else
      insert into usage_export_change (kind, event_key, correction_no)
      values ('corrected', new.event_key, new.correction_no);
    end if;
  end if;
  return null;
end $$;
create trigger quarantine_usage_export after update of status on quarantine for each row
  when (old.status = 'open' and new.status = 'posted') execute function note_usage_change();
create trigger event_correction_usage_export after insert on event_correction for each row
  execute function note_usage_change();

-- Quantities are counted in 10^-18 of the meter's unit.
create table usage_hour (
  tenant_id text not null references tenant,
  account_id text not null,
  meter text not null,
  hour timestamptz not null,
  ledger numeric(60, 0) not null default 0,
  exported numeric(60, 0) not null default 0,
  parts integer not null default 0,
  -- When the newest usage of the hour was posted.
  posted_at timestamptz not null,
  blocked text check (blocked in ('too_late', 'value_too_long')),
  primary key (tenant_id, account_id, meter, hour)
);
create index usage_hour_due on usage_hour (hour) where ledger <> exported;

-- What rounding left over, for the next event of the same customer and meter.
create table usage_carry (
  tenant_id text not null references tenant,
  account_id text not null,
  meter text not null,
  carry numeric(60, 0) not null,
  primary key (tenant_id, account_id, meter)
);

create table usage_export_event (
  identifier text primary key check (length(identifier) <= 100),
  tenant_id text not null references tenant,
  account_id text not null,
  meter text not null,
  -- The hour whose usage it is; a correction is dated into the hour it was made.
  hour timestamptz not null,
  part integer not null,
  dated_at timestamptz not null,
  event_name text not null,
  customer_id text not null,
  value text not null,
  value_steps numeric(60, 0) not null,
  decimals smallint not null,
  reason text not null check (reason in ('usage', 'correction', 'again')),
  -- `pending`: to be sent, or sent without an answer. `taken`: Stripe has it. `refused` and `rejected`: at once, and by an
  -- error report; `uncertain`: nobody can tell any more. `replaced`: sent again under another identifier.
  status text not null default 'pending'
    check (status in ('pending', 'taken', 'refused', 'rejected', 'uncertain', 'replaced')),
  attempts integer not null default 0,
  first_attempt_at timestamptz,
  sent_at timestamptz,
  confirmed_at timestamptz,
  checked_at timestamptz,
  code text,
  message text,
  -- When the newest usage in it was posted, for the time it takes.
  posted_at timestamptz not null,
  created_at timestamptz not null,
  unique (tenant_id, account_id, meter, hour, part)
);
create index usage_export_event_pending on usage_export_event (created_at) where status = 'pending';
create index usage_export_event_open on usage_export_event (checked_at nulls first) where status = 'taken' and confirmed_at is null;
create index usage_export_event_bad on usage_export_event (created_at) where status in ('refused', 'rejected', 'uncertain');
create index usage_export_event_dated on usage_export_event (customer_id, event_name, dated_at);

do $$
declare
  name text;
begin
  foreach name in array array['usage_hour', 'usage_carry', 'usage_export_event'] loop
    execute format('alter table %I enable row level security', name);
    execute format('create policy tenant_rows on %I for select to tk_app using (tenant_id = app_tenant())', name);
    execute format('grant select on %I to tk_app', name);
  end loop;
end $$;
