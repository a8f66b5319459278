-- Sets: many charges and credits of many wallets in one ledger transaction per lane.

-- Joined to the kinds already allowed, so that it does not matter which other migration widened the list before.
do $$
declare
  allowed text;
begin
  select substring(pg_get_constraintdef(oid) from '^CHECK \((.*)\)$') into strict allowed
  from pg_constraint where conrelid = 'batch'::regclass and conname = 'batch_kind_check';
  alter table batch drop constraint batch_kind_check;
  execute format('alter table batch add constraint batch_kind_check check ((%s) or kind = ''set'')', allowed);
  execute format('comment on column entry.kind is %L', (
    select col_description('entry'::regclass, attnum) || ', 16 charge of a set, 17 credit of a set'
    from pg_attribute where attrelid = 'entry'::regclass and attname = 'kind'));
end $$;

-- The wallets a set changed, for the lane's writer: one row a set, where lane_change has one a wallet.
create table lane_change_set (
  lane smallint not null,
  change_no bigint not null,
  wallet_ids bigint[] not null,
  primary key (lane, change_no)
);
