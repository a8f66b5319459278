-- Closed holds are deleted after a while (docs/ledger-holds.md). Entries and audit lines of their charges stay.

-- All holds that were closed before this were deleted, or are about to be.
create table hold_retention (
  only_row boolean primary key default true check (only_row),
  closed_before timestamptz not null
);

-- What was captured with deleted holds, by the day of their entries: the sums of holds and entries stay comparable.
create table hold_deleted (
  wallet_id bigint not null,
  day date not null,
  holds bigint not null,
  captured bigint not null,
  primary key (wallet_id, day)
);

-- Holds come in the order of time, so a few ranges of pages are read to find the old ones; a hold that changes pays nothing.
create index hold_placed on hold using brin (placed_at) with (pages_per_range = 32);
