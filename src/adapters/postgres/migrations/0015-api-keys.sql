-- Keys of the HTTP API (docs/http.md). Only the SHA-256 of a key's 256 random bits is kept: nobody can read it back, and
-- guessing it needs no slow hash to be hopeless.

create table api_key (
  key_id text primary key check (key_id ~ '^[0-9a-hjkmnp-tv-z]{12}$'),
  tenant_id text not null references tenant,
  name text not null check (name <> '' and length(name) <= 100),
  secret_hash bytea not null check (octet_length(secret_hash) = 32),
  scopes text[] not null check (cardinality(scopes) > 0 and scopes <@ array['ingest', 'read', 'support', 'analyst', 'admin']),
  -- The only accounts the key may name; all of them when null.
  accounts text[] check (cardinality(accounts) > 0),
  requests_per_minute integer check (requests_per_minute > 0),
  created_at timestamptz not null,
  created_by text not null,
  -- From here on it is refused: the end it was given, or that of the overlap after a rotation.
  expires_at timestamptz,
  revoked_at timestamptz,
  replaced_by text references api_key,
  -- Written at most once a minute.
  last_used_at timestamptz
);
create index api_key_tenant on api_key (tenant_id, created_at desc);
comment on table api_key is 'who may use the HTTP API, and for what; every change of it is a line of audit_log';
