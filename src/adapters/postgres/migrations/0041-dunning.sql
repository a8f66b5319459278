-- Failed automatic top-ups and how they are recovered (docs/dunning.md): one open episode for a wallet, its drafts, and what
-- the retry model has learned.

create table dunning_episode (
  episode_id text primary key,
  tenant_id text not null references tenant,
  account_id text not null,
  wallet_id bigint not null references wallet,
  currency char(3) not null,
  -- The top-up that failed first, and how much it was for, in nano-units.
  topup_id text not null,
  amount bigint not null check (amount > 0),
  decline_class text not null
    check (decline_class in ('retry', 'retry_once', 'authenticate', 'fix_details', 'new_card', 'suspected_fraud')),
  tell text not null check (tell in ('as_is', 'generic', 'nothing')),
  decline_code text,
  state text not null default 'open' check (state in ('open', 'recovered', 'given_up', 'handed_over')),
  opened_at timestamptz not null,
  closed_at timestamptz,
  -- Tries after the first decline.
  retries integer not null default 0,
  next_try_at timestamptz,
  -- Why then, or why not at all.
  reason text not null,
  probability double precision,
  -- Of the normal rate; below 100 the wallet's own limit is kept in `limit_before`.
  percent smallint not null default 100 check (percent between 0 and 100),
  limit_before json,
  -- The limit that dunning has set: one that people have set since is theirs.
  limit_set json,
  updated_at timestamptz not null
);
create unique index dunning_open on dunning_episode (wallet_id) where state in ('open', 'given_up', 'handed_over');
create index dunning_newest on dunning_episode (tenant_id, opened_at desc);

create table dunning_draft (
  draft_id text primary key,
  episode_id text not null references dunning_episode,
  tenant_id text not null references tenant,
  step text not null check (step in ('reminder', 'action_needed', 'final')),
  language text not null,
  -- Subject, paragraphs, facts they are held to, and the link.
  content json not null,
  status text not null default 'draft' check (status in ('draft', 'approved', 'sent', 'withdrawn')),
  created_at timestamptz not null,
  decided_by text,
  decided_at timestamptz,
  unique (episode_id, step)
);
create index dunning_draft_waiting on dunning_draft (created_at) where status in ('draft', 'approved');

create table dunning_model (
  name text primary key,
  model json not null,
  learned integer not null,
  updated_at timestamptz not null
);

do $$
declare
  name text;
begin
  foreach name in array array['dunning_episode', 'dunning_draft'] loop
    execute format('alter table %I enable row level security', name);
    execute format('create policy tenant_rows on %I for select to tk_app using (tenant_id = app_tenant())', name);
    execute format('grant select on %I to tk_app', name);
  end loop;
end $$;
