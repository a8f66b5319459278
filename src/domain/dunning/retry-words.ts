import { formatIso } from '../time.ts';
import type { NoRetry, PlannedRetry } from './plan-retry.ts';

const WHY_NOT: Readonly<Record<NoRetry['because'], string>> = {
  not_retryable: 'the bank’s answer rules a try without the customer out',
  attempts_spent: 'every try that a payment may have was made',
  no_chance: 'another try has less than one chance in ten',
  time_over: 'two weeks are over',
  capped: 'the card may not be tried again within two weeks (rules of the card networks)',
};

/** Why a payment is tried when it is, or not at all, for people who look at it. */
export function retryWords(plan: PlannedRetry | NoRetry): string {
  if (plan.is === 'stop') return `Not tried again: ${WHY_NOT[plan.because]}.`;
  const { atMs, probability, ladderProbability, by, attempt } = plan;
  const chance = `${Math.round(probability * 100)} %`;
  const when = `Try ${attempt} at ${formatIso(atMs).slice(0, 16).replace('T', ' ')} UTC`;
  if (by === 'ladder') {
    return `${when}: the static ladder’s day comes first, and its best hour (${chance}) is nearly as good as any later one.`;
  }
  const against =
    ladderProbability === null ? '' : `, against ${Math.round(ladderProbability * 100)} % at the static ladder’s time`;
  return `${when}: the best hour of the week ahead by this payer’s own record, ${chance}${against}.`;
}
