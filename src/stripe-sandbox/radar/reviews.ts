import type Stripe from 'stripe';
import type { Route } from '../http/route.ts';
import { invalidRequest } from '../stripe-fault.ts';
import { PAGE_PARAMS } from '../table.ts';
import { idOf, type World } from '../world.ts';

/** There is no route that creates a review: Stripe has none either. Rules open them, and people in the Dashboard. */
export function reviewRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/reviews',
      params: [...PAGE_PARAMS, 'created'],
      // Only open reviews are listed.
      handle: ({ params }) => world.reviews.page('/v1/reviews', params, ({ open }) => open),
    },
    { method: 'GET', path: '/v1/reviews/{id}', params: ['expand'], handle: ({ id }) => world.reviews.get(id) },
    {
      method: 'POST',
      path: '/v1/reviews/{id}/approve',
      params: ['expand'],
      handle: ({ id }) => {
        const review = world.reviews.get(id);
        if (!review.open) throw invalidRequest('This review is already closed.');
        closeReview(world, review, 'approved');
        return review;
      },
    },
  ];
}

/** Puts a payment into review. */
export function openReview(
  world: World,
  intent: Stripe.PaymentIntent,
  charge: Stripe.Charge,
  openedReason: 'rule' | 'manual',
): Stripe.Review {
  const review = world.reviews.add({
    id: world.ids.next('prv'),
    object: 'review',
    billing_zip: null,
    charge: charge.id,
    closed_reason: null,
    created: world.now(),
    ip_address: null,
    ip_address_location: null,
    livemode: false,
    open: true,
    opened_reason: openedReason,
    payment_intent: intent.id,
    reason: openedReason,
    session: null,
  } satisfies Stripe.Review as Stripe.Review);
  intent.review = review.id;
  charge.review = review.id;
  return review;
}

/** Ends a review. Approving it neither captures nor cancels the payment. */
export function closeReview(world: World, review: Stripe.Review, reason: Stripe.Review.ClosedReason): void {
  if (!review.open) return;
  review.open = false;
  review.closed_reason = reason;
  review.reason = reason;
  world.emit('review.closed', review);
}

/** Ends the review of a payment that was refunded, disputed or canceled meanwhile. */
export function closeReviewOf(world: World, intent: Stripe.PaymentIntent, reason: Stripe.Review.ClosedReason): void {
  const review = world.reviews.find(idOf(intent.review) ?? '');
  if (review !== undefined) closeReview(world, review, reason);
}
