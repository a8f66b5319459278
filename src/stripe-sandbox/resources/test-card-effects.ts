import type Stripe from 'stripe';
import { openWarning } from '../radar/early-fraud-warnings.ts';
import type { World } from '../world.ts';
import { openDispute } from './disputes.ts';
import type { CardBehaviour } from './test-cards.ts';

/** What some test cards do after a charge that succeeded. */
export function afterCharge(
  world: World,
  intent: Stripe.PaymentIntent,
  charge: Stripe.Charge,
  card: CardBehaviour,
): void {
  if (intent.status !== 'succeeded') return;
  if (card.earlyWarning === true) openWarning(world, charge);
  if (card.dispute === undefined) return;
  const inquiry = card.dispute === 'inquiry';
  openDispute(world, charge, { reason: inquiry ? 'fraudulent' : card.dispute, inquiry });
}
