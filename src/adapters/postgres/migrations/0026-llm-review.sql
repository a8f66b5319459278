-- What a language model said of an alert, within which bounds it counts, and what asking it has cost.

create table llm_review (
  alert_id text primary key references alert,
  tenant_id text not null references tenant,
  -- `running` is being asked, or was when its process ended; `deterministic` stands as the rules decided, `cause` says why.
  status text not null check (status in ('running', 'reviewed', 'deterministic')),
  cause text,
  verdict text check (verdict in ('likely_abuse', 'likely_benign', 'unclear')),
  confidence double precision,
  claims json not null default '[]',
  claims_dropped integer not null default 0,
  next_step text,
  proposes_closing boolean not null default false,
  score_before double precision not null,
  score_after double precision not null,
  model text,
  prompt_hash text,
  -- Names everything the answer depends on: an equal one is not paid for twice.
  input_hash text,
  is_cached boolean not null default false,
  -- Null where the server did not say: not known is not zero.
  input_tokens integer,
  cached_tokens integer,
  output_tokens integer,
  -- Nano-units. `reserved` is the most it can cost and counts against the day until `cost` is known.
  cost bigint,
  reserved bigint not null default 0,
  latency_ms integer,
  started_at timestamptz not null,
  finished_at timestamptz,
  check ((status = 'deterministic') = (cause is not null)),
  check ((status = 'reviewed') = (verdict is not null))
);
create index llm_review_day on llm_review (started_at);
create index llm_review_input on llm_review (input_hash) where status = 'reviewed' or cause in ('text_sensitive', 'unsupported');

alter table llm_review enable row level security;
create policy tenant_rows on llm_review for select to tk_app using (tenant_id = app_tenant());
grant select on llm_review to tk_app;
