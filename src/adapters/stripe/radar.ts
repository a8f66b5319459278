import Stripe from 'stripe';
import { AppError } from '../../errors.ts';
import type { RadarPort } from '../../pipeline/stripe/stripe-port.ts';
import { callStripe, toAppError } from './errors.ts';

/** Radar's value lists and the metadata that rules may read. */
export function createRadarPort(stripe: Stripe): RadarPort {
  return {
    ensureList: ({ alias, name }) =>
      withPlan('making a value list', async () => {
        const find = async () => (await stripe.radar.valueLists.list({ alias, limit: 1 })).data[0];
        const known = await find();
        if (known !== undefined) return { id: known.id, isNew: false };
        try {
          // No key of our own: a list that was deleted would be answered again under it. The alias is unique anyway.
          const made = await stripe.radar.valueLists.create({ alias, name, item_type: 'customer_id' });
          return { id: made.id, isNew: true };
        } catch (error) {
          const raced = await find();
          if (raced === undefined) throw error;
          return { id: raced.id, isNew: false };
        }
      }),
    addToList: (listId, customer, key) =>
      withLists('adding to a value list', async () => {
        // Looked for first: an item that is there already is an error like any other to Stripe.
        const [known] = (await stripe.radar.valueListItems.list({ value_list: listId, value: customer, limit: 1 }))
          .data;
        if (known !== undefined) return known.id;
        const item = await stripe.radar.valueListItems.create(
          { value_list: listId, value: customer },
          { idempotencyKey: key },
        );
        return item.id;
      }),
    async removeFromList(itemId) {
      try {
        await withLists('removing from a value list', () => stripe.radar.valueListItems.del(itemId));
      } catch (error) {
        const isGone = error instanceof AppError && error.code === 'STRIPE_NOT_FOUND';
        const isClosed = error instanceof AppError && error.code === 'STRIPE_LISTS_UNAVAILABLE';
        if (!isGone && !isClosed) throw error;
      }
    },
    markCustomer: (customer, risk) =>
      callStripe('marking a customer', async () => {
        // An empty text removes a key.
        const metadata = { usage_risk: risk === null ? '' : 'review', usage_case_id: risk?.decisionId ?? '' };
        await stripe.customers.update(customer, { metadata });
      }),
  };
}

/** Lists answer 403 where there are none; that is an answer and not a failure. */
async function withLists<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripePermissionError)) throw toAppError(what, error);
    throw new AppError('STRIPE_LISTS_UNAVAILABLE', `${what}: ${error.message}`, { cause: error });
  }
}

/** On some plans the list itself is refused with a 400; an item that is refused so says nothing of the plan. */
async function withPlan<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await withLists(what, call);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'STRIPE_REFUSED') throw error;
    throw new AppError('STRIPE_LISTS_UNAVAILABLE', error.message, { cause: error });
  }
}
