-- Tamper evidence: what a batch's link covers is stored beside it, so that a break names what was changed, and an
-- account's entries can be proven without the rows of others (docs/ledger-statement.md).

alter table batch
  add column root bytea,
  add column wallets integer,
  add column facts_hash bytea,
  add column records_hash bytea,
  -- The link covers the time, and a link is made of whole milliseconds.
  alter column posted_at set default date_trunc('milliseconds', now());
comment on column batch.root is 'root of the tree whose leaves are SHA-256 over one wallet''s entries in the batch';
comment on column batch.records_hash is 'SHA-256 over the batch''s decisions and alerts, or its line of the audit log';

alter table audit_log
  add column lane smallint,
  add column batch_no bigint;
create unique index audit_log_batch on audit_log (lane, batch_no);
create index audit_log_subject on audit_log (subject, audit_id);

-- What was done and why is history too, and so are the events as they were understood.
create trigger audit_log_append_only before update or delete on audit_log for each row execute function refuse_change();
create trigger batch_facts_unchanged before update on batch_facts for each row execute function refuse_change();
