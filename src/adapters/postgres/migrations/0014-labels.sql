-- What became known of accounts after the fact: verdicts of people, disputes, early fraud warnings, unpaid top-ups.
create table account_label (
  label_id bigint generated always as identity primary key,
  tenant_id text not null,
  account_id text not null,
  label text not null check (label in ('confirmed_fraud', 'benign')),
  cause text not null,
  -- The usage it is about: from here on, up to the end where one is known.
  from_at timestamptz not null,
  to_at timestamptz check (to_at >= from_at),
  -- What was lost, in nano-units, where somebody knows.
  loss bigint check (loss >= 0),
  note text,
  idempotency_key text not null unique,
  made_at timestamptz not null,
  made_by text not null,
  foreign key (tenant_id, account_id) references account
);
create index account_label_account on account_label (tenant_id, account_id, from_at);
create trigger account_label_append_only before update or delete on account_label
  for each row execute function refuse_change();
create trigger account_label_no_truncate before truncate on account_label for each statement execute function refuse_change();

-- The latest health check that decided a sample of decisions again; one row, replaced by the next.
create table replay_check (
  only_row boolean primary key default true check (only_row),
  -- The day it was due, so that the processes of a day run it once.
  due_at timestamptz not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  owner text not null,
  decisions integer not null default 0,
  same integer not null default 0,
  different integer not null default 0,
  impossible integer not null default 0,
  -- True when time ran out before the sample was through.
  cut_short boolean not null default false,
  -- The first that came out otherwise: {"decision", "field", "stored", "replayed"}.
  first_different jsonb,
  problem text
);
