-- Messages to people and programs, and their way to each of them (docs/notify.md). A message is written once, with its
-- deliveries, and sent by whoever claims a delivery; the same message id is never queued twice.

create table message (
  tenant_id text not null references tenant,
  message_id text not null check (length(message_id) between 1 and 200),
  kind text not null,
  severity text not null check (severity in ('severe', 'normal')),
  subject text not null,
  -- Text, HTML, blocks, event and attachments.
  body json not null,
  created_at timestamptz not null,
  primary key (tenant_id, message_id)
);
create index message_created on message (created_at desc);

create table delivery (
  delivery_id bigint generated always as identity primary key,
  tenant_id text not null,
  message_id text not null,
  -- Which of our destinations: mail, slack, webhook, or customer.
  destination text not null,
  -- The address of a customer; null where the destination says it.
  target text,
  state text not null default 'waiting' check (state in ('waiting', 'delivered', 'dead')),
  attempts integer not null default 0,
  next_try_at timestamptz not null,
  last_error text,
  delivered_at timestamptz,
  foreign key (tenant_id, message_id) references message,
  unique (tenant_id, message_id, destination)
);
create index delivery_due on delivery (next_try_at) where state = 'waiting';
create index delivery_dead on delivery (delivery_id desc) where state = 'dead';

-- A destination that does not answer is left alone for a while, whatever waits for it.
create table destination_pause (
  destination text primary key,
  failures integer not null,
  until timestamptz not null
);

-- Which alerts people have been told of: at once, or in a digest.
create table alert_notice (
  alert_id text primary key references alert,
  tenant_id text not null references tenant,
  wallet_state text not null,
  told_as text not null check (told_as in ('message', 'digest')),
  told_at timestamptz not null
);

-- What a wallet's customer was last told of its balance.
create table low_balance_notice (
  wallet_id bigint primary key references wallet,
  told text not null check (told in ('nothing', 'low', 'empty')),
  told_at timestamptz not null
);

-- Since when alerts are told, and which digests have been made.
create table notify_state (
  name text primary key,
  at timestamptz not null
);

do $$
declare
  name text;
begin
  foreach name in array array['message', 'delivery', 'alert_notice'] loop
    execute format('alter table %I enable row level security', name);
    execute format('create policy tenant_rows on %I for select to tk_app using (tenant_id = app_tenant())', name);
    execute format('grant select on %I to tk_app', name);
  end loop;
end $$;
