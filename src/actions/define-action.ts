import type { z } from 'zod';

/** What `plan` answers: an effect to apply, or why nothing is done (shown on the alert as "why not frozen"). */
export type ActionPlan<Effect> = { readonly effect: Effect } | { readonly skip: string };

/**
 * An action is planned purely, so that dry runs, replay and shadow mode use the real thing, and applied through a port.
 * `apply` is idempotent per decision and kind.
 */
export interface Action<Params, Situation, Effect, Port> {
  readonly kind: string;
  readonly params: z.ZodType<Params>;
  readonly plan: (situation: Situation, params: Params) => ActionPlan<Effect>;
  readonly apply: (effect: Effect, port: Port) => void;
}

/** Declares an action; the identity function exists for its type inference. */
export function defineAction<Params, Situation, Effect, Port>(
  action: Action<Params, Situation, Effect, Port>,
): Action<Params, Situation, Effect, Port> {
  return action;
}
