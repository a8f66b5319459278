import { z } from 'zod';
import { HOUR_MS } from '../domain/time.ts';
import { defineAction } from './define-action.ts';

/** A customer to be put before Stripe Radar: dated, with its reason and the decision it came from. */
export interface RadarEffect {
  readonly tenant: string;
  readonly account: string;
  readonly decisionId: string;
  readonly untilMs: number;
  readonly reason: string;
}

/** Writes the effect where it is carried out after the commit: Stripe is not asked while a batch is written. */
export interface RadarOutbox {
  putBeforeRadar(effect: RadarEffect): void;
}

/** A wallet without money in has nothing to review; a longer look than this is another decision. */
const HOURS_MAX = 30 * 24;

/**
 * Puts the account's customer before Radar: the next top-ups are authorised only, and captured after somebody has looked.
 * No review can be made by the API; what came of it is shown with the alert.
 */
export const radarReview = defineAction({
  kind: 'radar_review',
  params: z.strictObject({ hours: z.number().int().min(1).max(HOURS_MAX) }),
  plan(
    situation: {
      readonly wallet: { readonly tenant: string; readonly account: string };
      readonly decisionId: string;
      readonly reason: string;
      readonly nowMs: number;
    },
    { hours },
  ) {
    const { wallet, decisionId, reason, nowMs } = situation;
    const { tenant, account } = wallet;
    return { effect: { tenant, account, decisionId, untilMs: nowMs + hours * HOUR_MS, reason } };
  },
  apply(effect: RadarEffect, outbox: RadarOutbox) {
    outbox.putBeforeRadar(effect);
  },
});
