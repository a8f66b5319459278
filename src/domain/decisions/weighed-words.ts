import { formatMoney } from '../money/nanos.ts';
import type { LossOption, OutcomeCost, WeighedChoice } from './expected-loss.ts';

const NAMES: Readonly<Record<LossOption, string>> = {
  allow: 'do nothing',
  watch: 'only watch',
  review: 'review',
  throttle: 'slow down',
  freeze: 'freeze',
};

/** The sum behind an outcome: what each is expected to cost, and of what that is made. */
export function weighedWords(choice: WeighedChoice, currency: string): string {
  const { options, byPoints } = choice;
  const outcome = choice.slows ? 'throttle' : choice.outcome;
  const harshest = options.at(-1)?.outcome ?? byPoints;
  // Watching and doing nothing cost the same; one of them is enough to compare with.
  const told = options.filter((option) => option.outcome !== 'allow');
  const sums = told.map((option) => `${NAMES[option.outcome]} ${costWords(option, currency)}`);
  const chosen =
    outcome === harshest
      ? `The points ask for ${NAMES[harshest]}, and nothing milder is clearly cheaper.`
      : `The points would allow ${NAMES[harshest]}; ${NAMES[outcome]} is cheaper.`;
  return `Expected cost, chances counted in: ${sums.join('; ')}. ${chosen}`;
}

/** How likely abuse is, and what that rests on. */
export function probabilityWords({ probability }: WeighedChoice): string {
  const { mean, lower, upper, cases } = probability;
  const rests =
    cases === 0
      ? 'from the points alone: no case of this rule is closed yet'
      : `from the points and ${cases} closed ${cases === 1 ? 'case' : 'cases'} of this rule`;
  return `Chance of abuse about ${percent(mean)} (${percent(lower)} to ${percent(upper)}), ${rests}.`;
}

function costWords(option: OutcomeCost, currency: string): string {
  const money = (nanos: number) => formatMoney(BigInt(nanos), currency);
  const parts = [
    ...(option.lossNanos > 0 ? [`${money(option.lossNanos)} lost to abuse`] : []),
    ...(option.frictionNanos > 0 ? [`${money(option.frictionNanos)} in case the customer is honest`] : []),
    ...(option.reviewNanos > 0 ? [`${money(option.reviewNanos)} of work`] : []),
  ];
  return parts.length < 2
    ? money(option.totalNanos) + (parts[0] === undefined ? '' : ` (${parts[0].replace(/^\S+ /, '')})`)
    : `${money(option.totalNanos)} (${parts.join(' + ')})`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
