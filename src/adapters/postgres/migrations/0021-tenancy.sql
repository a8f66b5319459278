-- Tenants kept apart by the database itself. What answers customers' requests reads as tk_app, which sees the rows of the
-- tenant named in app.tenant and, while none is named, nothing. Lanes, sweepers and people at the command line go on as
-- the owner of the tables: COPY does not work under row-level security.

-- Roles belong to the whole server, and several databases on it may be migrated at once.
do $$
declare
  advice constant text := format('As an administrator, once: create role tk_app nologin; grant tk_app to %I;', current_user);
begin
  begin
    if not exists (select from pg_roles where rolname = 'tk_app') then create role tk_app nologin; end if;
  exception when duplicate_object or unique_violation then null;
  end;
  begin
    if not pg_has_role(current_user, 'tk_app', 'set') then execute format('grant tk_app to %I', current_user); end if;
  exception when unique_violation or internal_error then
    if not pg_has_role(current_user, 'tk_app', 'set') then raise; end if;
  end;
exception when insufficient_privilege then
  raise exception '% may not create the role tk_app, or take it on. %', current_user, advice using errcode = 'insufficient_privilege';
end $$;

create function app_tenant() returns text language sql stable parallel safe
  return nullif(current_setting('app.tenant', true), '');
comment on function app_tenant is 'the tenant whose rows this session may see; null for none';

do $$
declare
  name text;
begin
  execute format('grant usage on schema %I to tk_app', current_schema());
  -- Of every tenant the row that carries its name.
  foreach name in array array['tenant', 'account', 'wallet', 'quarantine', 'rejected_event', 'decision', 'alert', 'audit_log',
    'hold', 'hold_operation']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('create policy tenant_rows on %I for select to tk_app using (tenant_id = app_tenant())', name);
    execute format('grant select on %I to tk_app', name);
  end loop;
  -- Of every other the row of a wallet that the policy of table wallet lets through.
  foreach name in array array['entry', 'credit_grant', 'grant_burn', 'event_correction', 'archived_wallet_day', 'hold_deleted',
    'baseline_lesson']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('create policy tenant_rows on %I for select to tk_app
      using (exists (select from wallet w where w.wallet_id = %1$I.wallet_id))', name);
    execute format('grant select on %I to tk_app', name);
  end loop;
  -- The same for everybody, and nobody's secret. Lists in rule files may name accounts: they are not here.
  foreach name in array array['shard_lane', 'archived_day'] loop
    execute format('grant select on %I to tk_app', name);
  end loop;
end $$;
