-- Four eyes: freezes and thaws above a limit wait until a second person has looked.

create table approval (
  approval_id text primary key,
  tenant_id text not null references tenant,
  account_id text not null,
  wallet text not null,
  -- What is to be done, and what it is told apart by when its key comes again.
  operation jsonb not null,
  operation_hash text not null,
  request_key text not null,
  currency text not null,
  -- Balance and waiting usage when it was asked, nano-units.
  at_stake numeric not null,
  state text not null default 'pending' check (state in ('pending', 'approved', 'refused', 'done')),
  asked_by text not null,
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  decided_by text,
  decided_at timestamptz,
  constraint approval_decided check ((state = 'pending') = (decided_by is null)),
  -- The last word on it, whatever a program believes.
  constraint approval_second_person check (state not in ('approved', 'done') or decided_by <> asked_by)
);
create index approval_newest on approval (tenant_id, asked_at desc, approval_id);

alter table approval enable row level security;
create policy tenant_rows on approval for select to tk_app using (tenant_id = app_tenant());
grant select on approval to tk_app;
