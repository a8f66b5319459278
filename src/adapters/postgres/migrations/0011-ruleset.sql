-- The text of every ruleset that was in force, once per hash. Batches and decisions name the hash; takeover and replay need
-- what stood behind it.
create table ruleset (
  hash text primary key,
  -- [{ "path", "text" }]
  files jsonb not null,
  loaded_at timestamptz not null default now()
);
create trigger ruleset_append_only before update or delete on ruleset for each row execute function refuse_change();
create trigger ruleset_no_truncate before truncate on ruleset for each statement execute function refuse_change();
