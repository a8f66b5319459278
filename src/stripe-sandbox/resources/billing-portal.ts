import type Stripe from 'stripe';
import type { Route } from '../http/route.ts';
import type { World } from '../world.ts';

export function billingPortalRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/billing_portal/sessions',
      params: ['customer', 'return_url', 'configuration', 'expand'],
      handle: ({ params, origin }) => {
        const customer = world.customers.get(params.required('customer'), 'customer');
        const id = world.ids.next('bps');
        return {
          id,
          object: 'billing_portal.session',
          configuration: params.text('configuration') ?? 'bpc_sandbox',
          created: world.now(),
          customer: customer.id,
          customer_account: null,
          flow: null,
          livemode: false,
          locale: null,
          on_behalf_of: null,
          return_url: params.text('return_url') ?? null,
          url: `${origin}/portal/${id}`,
        } satisfies Stripe.BillingPortal.Session;
      },
    },
  ];
}
