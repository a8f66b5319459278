-- Answers to administrative requests: the same request sent again with its key changes nothing and is answered as before.

create table admin_request (
  idempotency_key text primary key check (idempotency_key <> '' and length(idempotency_key) <= 200),
  request_hash text not null,
  result json not null,
  answered_at timestamptz not null
);
