import type { Route } from './http/route.ts';
import { meterEventRoutes } from './meters/meter-events-v1.ts';
import { meterEventV2Routes } from './meters/meter-events-v2.ts';
import { meterRoutes } from './meters/meters.ts';
import { earlyFraudWarningRoutes } from './radar/early-fraud-warnings.ts';
import { paymentEvaluationRoutes } from './radar/payment-evaluations.ts';
import { reviewRoutes } from './radar/reviews.ts';
import { valueListRoutes } from './radar/value-lists.ts';
import { balanceRoutes } from './resources/balance.ts';
import { billingPortalRoutes } from './resources/billing-portal.ts';
import { chargeRoutes } from './resources/charges.ts';
import { checkoutRoutes } from './resources/checkout-sessions.ts';
import { customerRoutes } from './resources/customers.ts';
import { disputeRoutes } from './resources/disputes.ts';
import { eventRoutes } from './resources/events.ts';
import { paymentIntentRoutes } from './resources/payment-intents.ts';
import { paymentMethodRoutes } from './resources/payment-methods.ts';
import { refundRoutes } from './resources/refunds.ts';
import { reportRoutes } from './resources/reports.ts';
import { setupIntentRoutes } from './resources/setup-intents.ts';
import { webhookEndpointRoutes } from './resources/webhook-endpoints.ts';
import { eventDestinationRoutes } from './webhooks/event-destinations.ts';
import { thinEventRoutes } from './webhooks/thin-events.ts';
import type { World } from './world.ts';

/** Every operation that the sandbox offers, one list per resource. */
export function allRoutes(world: World, unacknowledged: () => ReadonlySet<string>): readonly Route[] {
  return [
    ...customerRoutes(world),
    ...paymentMethodRoutes(world),
    ...paymentIntentRoutes(world),
    ...setupIntentRoutes(world),
    ...checkoutRoutes(world),
    ...billingPortalRoutes(world),
    ...chargeRoutes(world),
    ...refundRoutes(world),
    ...disputeRoutes(world),
    ...earlyFraudWarningRoutes(world),
    ...reviewRoutes(world),
    ...valueListRoutes(world),
    ...paymentEvaluationRoutes(world),
    ...balanceRoutes(world),
    ...eventRoutes(world, unacknowledged),
    ...webhookEndpointRoutes(world),
    ...eventDestinationRoutes(world),
    ...thinEventRoutes(world),
    ...reportRoutes(world),
    ...meterRoutes(world),
    ...meterEventRoutes(world),
    ...meterEventV2Routes(world),
  ];
}
