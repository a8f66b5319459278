-- What people concluded about alerts, and what baselines learn from it.

alter table alert add column closed_reason text;
-- The few that are closed with something to learn are counted by rule.
create index alert_closed on alert (status) where status in ('confirmed_fraud', 'benign');

-- A closed alert on its way to the account's baseline. The lane's writer carries it out with its next batch and writes
-- that batch's number in the same database transaction, so that no lesson is lost and none is taught twice.
create table baseline_lesson (
  lesson_id bigint generated always as identity primary key,
  lane smallint not null,
  wallet_id bigint not null references wallet,
  alert_id text not null references alert,
  verdict text not null check (verdict in ('confirmed_fraud', 'benign')),
  -- The hours the alert was about.
  from_at timestamptz not null,
  to_at timestamptz not null check (to_at >= from_at),
  made_at timestamptz not null,
  made_by text not null,
  applied_batch bigint
);
create index baseline_lesson_waiting on baseline_lesson (lane, lesson_id) where applied_batch is null;

do $$
declare
  allowed text;
begin
  select substring(pg_get_constraintdef(oid) from '^CHECK \((.*)\)$') into strict allowed
  from pg_constraint where conrelid = 'batch'::regclass and conname = 'batch_kind_check';
  alter table batch drop constraint batch_kind_check;
  execute format('alter table batch add constraint batch_kind_check check ((%s) or kind = ''label'')', allowed);
end $$;
