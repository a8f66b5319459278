import type Stripe from 'stripe';
import type { Route } from '../http/route.ts';
import { PAGE_PARAMS } from '../table.ts';
import { idOf, type World } from '../world.ts';

export function earlyFraudWarningRoutes(world: World): readonly Route[] {
  const path = '/v1/radar/early_fraud_warnings';
  return [
    {
      method: 'GET',
      path,
      params: [...PAGE_PARAMS, 'created', 'charge', 'payment_intent'],
      handle: ({ params }) => {
        const [charge, intent] = [params.text('charge'), params.text('payment_intent')];
        return world.warnings.page(
          path,
          params,
          (row) =>
            (charge === undefined || idOf(row.charge) === charge) &&
            (intent === undefined || idOf(row.payment_intent) === intent),
        );
      },
    },
    { method: 'GET', path: `${path}/{id}`, params: ['expand'], handle: ({ id }) => world.warnings.get(id) },
  ];
}

/** The issuer reports a charge as fraud, which often comes before a dispute. */
export function openWarning(
  world: World,
  charge: Stripe.Charge,
  fraudType = 'unauthorized_use_of_card',
): Stripe.Radar.EarlyFraudWarning {
  const intent = idOf(charge.payment_intent);
  const warning = world.warnings.add({
    id: world.ids.next('issfr'),
    object: 'radar.early_fraud_warning',
    actionable: !charge.refunded && !charge.disputed,
    charge: charge.id,
    created: world.now(),
    fraud_type: fraudType,
    livemode: false,
    ...(intent === undefined ? {} : { payment_intent: intent }),
  } satisfies Stripe.Radar.EarlyFraudWarning as Stripe.Radar.EarlyFraudWarning);
  world.emit('radar.early_fraud_warning.created', warning);
  return warning;
}
