import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import { invalidRequest } from '../stripe-fault.ts';
import type { World } from '../world.ts';

/** What a Checkout session sells; prices are given with the session, since the sandbox has no catalogue. */
export function buildLineItems(world: World, params: Params): Stripe.LineItem[] {
  const given = params.hashes('line_items');
  if (given.length === 0) {
    throw invalidRequest('Missing required param: line_items.', { code: 'parameter_missing', param: 'line_items' });
  }
  const items = given.map((item) => lineItem(world, item));
  if (new Set(items.map(({ currency }) => currency)).size > 1) {
    throw invalidRequest('All line items must have the same currency.', { param: 'line_items' });
  }
  return items;
}

function lineItem(world: World, params: Params): Stripe.LineItem {
  params.refuseUnknown(['quantity', 'price_data', 'price']);
  const data = params.hash('price_data');
  if (data === undefined)
    throw invalidRequest('The sandbox has no prices; give `price_data`.', { param: 'line_items' });
  data.refuseUnknown(['currency', 'unit_amount', 'product_data']);
  const product = data.hash('product_data');
  product?.refuseUnknown(['name', 'description', 'metadata']);
  const quantity = params.integer('quantity') ?? 1;
  data.required('unit_amount');
  const unitAmount = data.integer('unit_amount') ?? 0;
  if (unitAmount < 1 || quantity < 1)
    throw invalidRequest('Amounts and quantities must be positive.', { param: 'line_items' });
  const currency = data.required('currency').toLowerCase();
  const total = unitAmount * quantity;
  return {
    id: world.ids.next('li'),
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: total,
    amount_tax: 0,
    amount_total: total,
    currency,
    description: product?.required('name') ?? null,
    metadata: null,
    price: priceOf(world, currency, unitAmount),
    quantity,
  } satisfies Stripe.LineItem;
}

function priceOf(world: World, currency: string, unitAmount: number): Stripe.Price {
  const price = {
    id: world.ids.next('price'),
    object: 'price',
    active: false,
    billing_scheme: 'per_unit',
    created: world.now(),
    currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: null,
    metadata: {},
    nickname: null,
    product: world.ids.next('prod', 14),
    recurring: null,
    tax_behavior: 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: 'one_time',
    unit_amount: unitAmount,
    unit_amount_decimal: String(unitAmount),
  } satisfies Omit<Stripe.Price, 'unit_amount_decimal'> & { unit_amount_decimal: string };
  // On the wire a decimal is text; the SDK's type says what it makes of it.
  return price as unknown as Stripe.Price;
}
