-- Closing, archiving and restoring days of entries (docs/ledger-archive.md), and identities of sources whose times move.

-- A day without a row here takes entries. `closed`: it takes no more, and is still attached. `archived`: its entries are
-- in a file, its partition is gone, and the figures below stand for it in every sum.
create table archived_day (
  day date primary key,
  state text not null check (state in ('closed', 'archived')),
  closed_at timestamptz not null default now(),
  entries bigint,
  -- SHA-256 of the file's content before compression.
  sha256 text,
  file text,
  directory text,
  file_bytes bigint,
  archived_at timestamptz,
  check (state = 'closed' or (entries is not null and sha256 is not null and file is not null and archived_at is not null))
);

-- What a day holds for each wallet. The numbers are kept as ranges, so that "numbered without gaps" stays an exact proof.
create table archived_wallet_day (
  day date not null references archived_day,
  wallet_id bigint not null,
  entries bigint not null,
  amount bigint not null,
  numbers int8multirange not null,
  last_seq bigint not null,
  last_balance bigint not null,
  primary key (wallet_id, day)
);
create index archived_wallet_day_day on archived_wallet_day (day);

-- What a day holds of each ledger transaction: its legs still sum to zero against the contra legs.
create table archived_batch_day (
  day date not null references archived_day,
  lane smallint not null,
  batch_no bigint not null,
  kind smallint not null,
  currency char(3) not null,
  entries bigint not null,
  amount bigint not null,
  primary key (day, lane, batch_no, kind, currency)
);

-- Nothing older can be posted any more, whatever late window a writer was started with. In the fence's row, so that a
-- batch reads it with the fence and a day closes between two batches.
alter table lane_epoch add column entries_from timestamptz;

-- Entry legs and archived figures together, as sums per ledger transaction want them.
create view ledger_leg as
  select e.lane, e.batch_no, e.kind, w.currency, e.amount, 1::bigint as entries
  from entry e left join wallet w using (wallet_id)
  union all
  select b.lane, b.batch_no, b.kind, b.currency, b.amount, b.entries
  from archived_batch_day b join archived_day d using (day) where d.state = 'archived';

-- Per wallet and part (all attached days are one part, each archived day another); `numbers` are disjoint in good books.
create view wallet_part as
  select wallet_id, sum(amount) as amount, count(*) as entries, range_agg(int8range(seq, seq + 1)) as numbers,
    max(seq) as last_seq, null::bigint as last_balance
  from entry group by wallet_id
  union all
  select wallet_id, a.amount, a.entries, a.numbers, a.last_seq, a.last_balance
  from archived_wallet_day a join archived_day d using (day) where d.state = 'archived';

-- The row triggers of 0001 are copied to every partition; triggers on TRUNCATE are not, so each partition gets its own.
create trigger entry_no_truncate before truncate on entry for each statement execute function refuse_change();
create trigger batch_no_truncate before truncate on batch for each statement execute function refuse_change();
create trigger batch_contra_no_truncate before truncate on batch_contra for each statement execute function refuse_change();
do $$
declare name text;
begin
  for name in select inhrelid::regclass::text from pg_inherits where inhparent = 'entry'::regclass loop
    execute format('create trigger entry_no_truncate before truncate on %s for each statement execute function refuse_change()', name);
  end loop;
end $$;

create function refuse_closed_day() returns trigger language plpgsql as $$
begin
  raise exception 'the day of % is closed and takes no more entries', tg_table_name using errcode = 'restrict_violation';
end $$;

-- The partition of a day, made unless it is there. A day that was archived is not made again: an empty one in its place
-- would take a second copy of what the file holds.
create function prepare_entry_day(the_day date, first_key uuid, end_key uuid) returns text language plpgsql as $$
declare name text := 'entry_' || to_char(the_day, 'YYYYMMDD');
begin
  -- By the catalogue's rows, not by to_regclass, which would remember in the second look what it missed in the first.
  if exists (select from pg_inherits join pg_class c on c.oid = inhrelid where inhparent = 'entry'::regclass and c.relname = name) then
    return 'attached';
  end if;
  -- Whoever makes the same day at this moment is waited for; what it has made is looked for again.
  perform pg_advisory_xact_lock(hashtext('tollkeeper entry day'));
  if exists (select from pg_inherits join pg_class c on c.oid = inhrelid where inhparent = 'entry'::regclass and c.relname = name) then
    return 'attached';
  end if;
  if exists (select from archived_day where day = the_day and state = 'archived') then return 'archived'; end if;
  if to_regclass(name) is not null then
    raise exception 'table % exists and is not a partition of entry', name using errcode = 'object_not_in_prerequisite_state',
      hint = format('Attach it again (alter table entry attach partition %s for values from (''%s'') to (''%s'')), or rename it.', name, first_key, end_key);
  end if;
  execute format('create table %I partition of entry for values from (%L) to (%L)', name, first_key, end_key);
  execute format('create trigger entry_no_truncate before truncate on %I for each statement execute function refuse_change()', name);
  return 'created';
end $$;

-- Identities of sources that may send an event again under another time (TOLLKEEPER_MOVING_SOURCES). The index of `entry`
-- cannot see that, because its key begins with the time. Rows older than the late window are removed a few at a time.
create table source_identity (
  -- The 80 identity bits of the event's key behind 48 zero bits.
  identity uuid primary key,
  lane smallint not null,
  batch_no bigint not null,
  seen_at timestamptz not null
);
create index source_identity_seen on source_identity (seen_at);
