-- How an account's people are reached and spoken to. Personal data: nothing of it enters the books, the chain or the audit
-- log, and erasing a person empties the row.

create table account_contact (
  tenant_id text not null,
  account_id text not null,
  -- Where mail to the customer goes; null when nobody has told us.
  email text check (length(email) between 3 and 254),
  -- Whom mail greets, and what the account is called among people.
  person_name text check (length(person_name) between 1 and 120),
  account_name text check (length(account_name) between 1 and 120),
  language text not null default 'en' check (language in ('en', 'de')),
  -- An IANA name; whoever formats a time falls back to UTC when it knows the name no longer.
  time_zone text not null default 'UTC' check (length(time_zone) between 1 and 64),
  -- Whether the customer is told before the balance is gone.
  tells_low_balance boolean not null default true,
  changed_at timestamptz not null,
  changed_by text not null,
  primary key (tenant_id, account_id),
  foreign key (tenant_id, account_id) references account
);

alter table account_contact enable row level security;
create policy tenant_rows on account_contact for select to tk_app using (tenant_id = app_tenant());
grant select on account_contact to tk_app;
