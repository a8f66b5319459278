import type { Route } from './http/route.ts';
import { earlyFraudWarningRoutes } from './radar/early-fraud-warnings.ts';
import { reviewRoutes } from './radar/reviews.ts';
import { balanceRoutes } from './resources/balance.ts';
import { chargeRoutes } from './resources/charges.ts';
import { customerRoutes } from './resources/customers.ts';
import { disputeRoutes } from './resources/disputes.ts';
import { eventRoutes } from './resources/events.ts';
import { paymentIntentRoutes } from './resources/payment-intents.ts';
import { paymentMethodRoutes } from './resources/payment-methods.ts';
import { refundRoutes } from './resources/refunds.ts';
import { webhookEndpointRoutes } from './resources/webhook-endpoints.ts';
import type { World } from './world.ts';

/** Every operation that the sandbox offers, one list per resource. */
export function allRoutes(world: World, unacknowledged: () => ReadonlySet<string>): readonly Route[] {
  return [
    ...customerRoutes(world),
    ...paymentMethodRoutes(world),
    ...paymentIntentRoutes(world),
    ...chargeRoutes(world),
    ...refundRoutes(world),
    ...disputeRoutes(world),
    ...earlyFraudWarningRoutes(world),
    ...reviewRoutes(world),
    ...balanceRoutes(world),
    ...eventRoutes(world, unacknowledged),
    ...webhookEndpointRoutes(world),
  ];
}
