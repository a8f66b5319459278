import { radarReview } from '../../actions/radar-review.ts';
import type { RadarAsked } from '../../domain/decisions/alert-facts.ts';
import type { Judgement } from '../../domain/decisions/judge.ts';
import { radarFor } from '../../domain/rules/band.ts';
import { reasonOf } from '../acting/plan-acts.ts';
import { radarMessage } from '../radar-message.ts';
import type { Named, Scene } from './act-on.ts';

/**
 * Asks Radar for what the band of the points names, with the alert that tells people of it and never without one. The
 * message leaves after the commit; null when nothing is asked.
 */
export function askRadar(scene: Scene, judgement: Judgement, named: Named): RadarAsked | null {
  const { batch, ruleset, account } = scene;
  const action = radarFor(ruleset.bands, judgement.outcome);
  if (action === undefined || !judgement.raised) return null;
  const { kind: _kind, ...params } = action;
  const plan = radarReview.plan({ wallet: account.wallet, reason: reasonOf(judgement), ...named }, params);
  if ('skip' in plan) return null;
  radarReview.apply(plan.effect, { putBeforeRadar: (effect) => batch.outbox.push(radarMessage(effect)) });
  return { untilMs: plan.effect.untilMs };
}
