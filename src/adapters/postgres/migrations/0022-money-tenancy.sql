-- Money in is held to one tenant as well: requests read top-ups, listings and what payments and people say of accounts as
-- tk_app. Cases of money that belongs to nobody have no tenant and are seen by no request; events and facts of the Stripe
-- account belong to all tenants at once and stay out of reach.
do $$
declare
  name text;
begin
  foreach name in array array['topup', 'stripe_customer', 'auto_topup', 'money_case', 'payment_signal', 'radar_listing',
    'account_label']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('create policy tenant_rows on %I for select to tk_app using (tenant_id = app_tenant())', name);
    execute format('grant select on %I to tk_app', name);
  end loop;
end $$;
