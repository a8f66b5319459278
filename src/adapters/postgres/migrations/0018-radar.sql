-- Customers put before Radar: what was asked, what Stripe took of it, and when it ends by itself.

create table radar_listing (
  customer_id text primary key,
  tenant_id text not null references tenant,
  account_id text not null,
  -- `wanted` and `unwanted` wait for Stripe; `standing` is in force; `ended` is over.
  status text not null check (status in ('wanted', 'standing', 'unwanted', 'ended')),
  -- What became of the value list: the item's id, or why there is none.
  list_status text not null default 'unknown' check (list_status in ('unknown', 'listed', 'unavailable', 'absent')),
  list_item text,
  metadata_set boolean not null default false,
  reason text not null,
  decision_id text,
  by text not null,
  put_at timestamptz not null,
  until_at timestamptz not null,
  ended_at timestamptz,
  ended_because text
);
create index radar_listing_due on radar_listing (until_at) where status in ('wanted', 'standing');
create index radar_listing_waiting on radar_listing (status) where status in ('wanted', 'unwanted');
