-- Cases: what people work on. Alerts and money cases of an account gather into its open case, with whoever looks after it,
-- notes, a clock and how it ended.

create table case_file (
  case_id text primary key,
  tenant_id text not null references tenant,
  account_id text not null,
  severity text not null check (severity in ('severe', 'normal')),
  state text not null default 'open' check (state in ('open', 'resolved')),
  assignee text,
  opened_at timestamptz not null,
  -- By when somebody should have taken it, and by when it should be resolved.
  answer_by timestamptz not null,
  due_at timestamptz not null,
  answered_at timestamptz,
  resolution text check (resolution in ('confirmed_fraud', 'benign', 'duplicate', 'other')),
  resolved_at timestamptz,
  resolved_by text,
  check ((state = 'resolved') = (resolution is not null))
);
-- One open case for an account.
create unique index case_open on case_file (tenant_id, account_id) where state = 'open';
create index case_newest on case_file (tenant_id, opened_at desc, case_id);

-- What belongs to a case; everything belongs to one case only.
create table case_item (
  kind text not null check (kind in ('alert', 'money')),
  ref text not null,
  tenant_id text not null,
  case_id text not null references case_file,
  added_at timestamptz not null,
  primary key (kind, ref)
);
create index case_item_case on case_item (case_id, added_at);

-- Everything that was said and done, in order.
create table case_event (
  event_id bigint generated always as identity primary key,
  tenant_id text not null,
  case_id text not null references case_file,
  at timestamptz not null,
  actor text not null,
  action text not null check (action in ('opened', 'added', 'assigned', 'note', 'resolved', 'reopened')),
  detail text not null,
  -- The request that did it: sent again it does nothing.
  request_key text unique
);
create index case_event_case on case_event (case_id, event_id);

do $$
declare
  name text;
begin
  foreach name in array array['case_file', 'case_item', 'case_event'] loop
    execute format('alter table %I enable row level security', name);
    execute format('create policy tenant_rows on %I for select to tk_app using (tenant_id = app_tenant())', name);
    execute format('grant select on %I to tk_app', name);
  end loop;
end $$;
