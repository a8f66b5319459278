import type Stripe from 'stripe';
import type { Route } from '../http/route.ts';
import { PAGE_PARAMS } from '../table.ts';
import { idOf, type World } from '../world.ts';

export function balanceRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/balance_transactions',
      params: [...PAGE_PARAMS, 'created', 'currency', 'source', 'type', 'payout'],
      handle: ({ params }) => {
        const [currency, source, type] = [params.text('currency'), params.text('source'), params.text('type')];
        const page = world.balanceTransactions.page(
          '/v1/balance_transactions',
          params,
          (row) =>
            (currency === undefined || row.currency === currency) &&
            (source === undefined || idOf(row.source) === source) &&
            (type === undefined || row.type === type),
        );
        page.data.forEach((row) => {
          settle(world, row);
        });
        return page;
      },
    },
    {
      method: 'GET',
      path: '/v1/balance_transactions/{id}',
      params: ['expand'],
      handle: ({ id }) => settle(world, world.balanceTransactions.get(id)),
    },
  ];
}

/** Money becomes available on its date, whether or not anybody asks. */
function settle(world: World, row: Stripe.BalanceTransaction): Stripe.BalanceTransaction {
  row.status = row.available_on <= world.now() ? 'available' : 'pending';
  return row;
}

/** One movement of the balance; amounts in minor units, negative when money leaves. */
export interface Movement {
  readonly type: 'charge' | 'refund' | 'refund_failure' | 'adjustment';
  readonly reportingCategory: string;
  readonly amount: number;
  readonly currency: string;
  readonly source: string;
  readonly fee?: number;
  readonly feeDescription?: string;
  readonly description?: string | null;
  /** Available at once. */
  readonly immediate?: boolean;
}

/** Books a movement and returns the balance transaction. */
export function moveBalance(world: World, movement: Movement): Stripe.BalanceTransaction {
  const { amount, currency, fee = 0 } = movement;
  const created = world.now();
  const waits = movement.immediate === true || amount < 0 ? 0 : world.settings.fees.availableAfterSeconds;
  return world.balanceTransactions.add({
    id: world.ids.next('txn'),
    object: 'balance_transaction',
    amount,
    available_on: created + waits,
    balance_type: 'payments',
    created,
    currency,
    description: movement.description ?? null,
    exchange_rate: null,
    fee,
    fee_details:
      fee === 0
        ? []
        : [
            {
              amount: fee,
              application: null,
              currency,
              description: movement.feeDescription ?? 'Stripe processing fees',
              type: 'stripe_fee',
            },
          ],
    net: amount - fee,
    reporting_category: movement.reportingCategory,
    source: movement.source,
    status: waits === 0 ? 'available' : 'pending',
    type: movement.type,
  } satisfies Stripe.BalanceTransaction as Stripe.BalanceTransaction);
}

/** Stripe's fee for a charge in minor units. */
export function chargeFee(world: World, amount: number): number {
  const { chargeBasisPoints, chargeFixed } = world.settings.fees;
  return Math.round((amount * chargeBasisPoints) / 10_000) + chargeFixed;
}
