import { formatMoney } from '../../domain/money/nanos.ts';
import { table } from '../output/table.ts';
import { count } from '../output/words.ts';
import { type Played, type PlayedPayer, POLICIES, type PolicyName } from './play-policies.ts';

const ABOUT: Readonly<Record<PolicyName, string>> = {
  tollkeeper: 'predicted hours',
  ladder_1_3_5_7: 'days 1, 3, 5 and 7',
  even_8_in_14_days: 'eight even tries in 14 days',
};
const BASELINES = ['ladder_1_3_5_7', 'even_8_in_14_days'] as const;

/** What one policy came to. Money by currency, major units. */
export interface PolicyTotal {
  readonly policy: PolicyName;
  readonly recovered: Readonly<Record<string, number>>;
  /** Of all that was owed, each currency by its own mean top-up. */
  readonly recoveredShare: number;
  readonly payersRecovered: number;
  /** Never paid in the time a policy had. */
  readonly customersCutOff: number;
  readonly attempts: number;
  readonly attemptsPerPayer: number;
  readonly daysToRecover: { readonly mean: number | null; readonly median: number | null };
}

/** Ours against a baseline: more recovered money in percent, with a 95 % interval over payers. */
export interface PolicyComparison {
  readonly against: PolicyName;
  /** Null when the baseline recovered nothing. */
  readonly moreRecoveredPercent: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Negative: fewer. */
  readonly moreAttempts: number;
}

export function totals({ payers }: Pick<Played, 'payers'>): readonly PolicyTotal[] {
  const weigh = weights(payers);
  const owed = payers.reduce((sum, played) => sum + weigh(played), 0);
  return POLICIES.map((policy): PolicyTotal => {
    const recovered: Record<string, number> = {};
    for (const { payer } of payers) recovered[payer.currency] ??= 0;
    const paid = payers.filter(({ ended }) => ended[policy].days !== null);
    for (const { payer } of paid) recovered[payer.currency] = (recovered[payer.currency] ?? 0) + payer.amount;
    const days = paid.map(({ ended }) => ended[policy].days ?? 0).sort((a, b) => a - b);
    const attempts = payers.reduce((sum, { ended }) => sum + ended[policy].attempts, 0);
    return {
      policy,
      recovered: Object.fromEntries(Object.entries(recovered).map(([currency, sum]) => [currency, round(sum, 100)])),
      recoveredShare: round(paid.reduce((sum, played) => sum + weigh(played), 0) / owed, 10_000),
      payersRecovered: paid.length,
      customersCutOff: payers.length - paid.length,
      attempts,
      attemptsPerPayer: round(attempts / payers.length, 100),
      daysToRecover: {
        mean: days.length === 0 ? null : round(days.reduce((sum, day) => sum + day, 0) / days.length, 100),
        median: days.length === 0 ? null : round(days[Math.floor(days.length / 2)] ?? 0, 100),
      },
    };
  });
}

/** The ratio of two sums over the same payers, and its interval by the delta method (Cochran, Sampling Techniques, 6.3). */
export function comparisons({ payers }: Pick<Played, 'payers'>): readonly PolicyComparison[] {
  const weigh = weights(payers);
  return BASELINES.map((against): PolicyComparison => {
    let [ours, theirs, attempts] = [0, 0, 0];
    for (const played of payers) {
      const { tollkeeper, [against]: other } = played.ended;
      if (tollkeeper.days !== null) ours += weigh(played);
      if (other.days !== null) theirs += weigh(played);
      attempts += tollkeeper.attempts - other.attempts;
    }
    if (theirs === 0) return { against, moreRecoveredPercent: null, low: null, high: null, moreAttempts: attempts };
    const ratio = ours / theirs;
    let squares = 0;
    for (const played of payers) {
      const { tollkeeper, [against]: other } = played.ended;
      const rest = (tollkeeper.days === null ? 0 : 1) - ratio * (other.days === null ? 0 : 1);
      squares += (rest * weigh(played)) ** 2;
    }
    const margin = (1.96 * Math.sqrt(squares)) / theirs;
    const percent = (value: number) => round((value - 1) * 100, 10);
    return {
      against,
      moreRecoveredPercent: percent(ratio),
      low: percent(ratio - margin),
      high: percent(ratio + margin),
      moreAttempts: attempts,
    };
  });
}

/** An amount against the mean of its currency, so that yen and dollars can be added. */
function weights(payers: readonly PlayedPayer[]): (played: PlayedPayer) => number {
  const means = new Map<string, { sum: number; of: number }>();
  for (const { payer } of payers) {
    const mean = means.get(payer.currency) ?? { sum: 0, of: 0 };
    means.set(payer.currency, { sum: mean.sum + payer.amount, of: mean.of + 1 });
  }
  return ({ payer }) => {
    const { sum, of } = means.get(payer.currency) ?? { sum: 1, of: 1 };
    return (payer.amount * of) / sum;
  };
}

/** The comparison for people. */
export function reportText(played: Played): string {
  const rows = totals(played);
  const lines = [
    table(
      [
        { head: 'POLICY', cell: ({ policy }) => policy },
        { head: 'RECOVERED', align: 'right', cell: ({ recovered }) => moneyText(recovered) },
        { head: 'OF OWED', align: 'right', cell: ({ recoveredShare }) => `${(recoveredShare * 100).toFixed(1)} %` },
        { head: 'TRIES', align: 'right', cell: ({ attempts }) => attempts.toLocaleString('en-US') },
        { head: 'A PAYER', align: 'right', cell: ({ attemptsPerPayer }) => attemptsPerPayer.toFixed(2) },
        { head: 'DAYS', align: 'right', cell: ({ daysToRecover }) => daysToRecover.mean?.toFixed(1) ?? '–' },
        { head: 'CUT OFF', align: 'right', cell: ({ customersCutOff }) => customersCutOff.toLocaleString('en-US') },
        { head: 'WHEN IT TRIES', cell: ({ policy }) => ABOUT[policy] },
      ],
      rows,
    ),
    ...comparisons(played).map(comparisonText),
  ];
  const { reading, readingIsSure } = played;
  const zone = reading.zone === 'utc' ? 'in UTC' : "in each payer's own time";
  const day = reading.firstDay === 'monday' ? 'Monday' : 'Sunday';
  lines.push(
    `Hours of the week are read as ${zone} from ${day} 00:00${readingIsSure ? ', which their histories bear out' : '; their histories do not tell, so say --hours if that is wrong'}.`,
    `${count(played.payers.length, 'payer')}; DAYS is the mean until the money came, CUT OFF never paid in two weeks.`,
    ...played.notes,
  );
  return lines.join('\n');
}

function comparisonText({ against, moreRecoveredPercent, low, high, moreAttempts }: PolicyComparison): string {
  if (moreRecoveredPercent === null) return `against ${against}: it recovered nothing`;
  const sign = (value: number | null) => `${(value ?? 0) < 0 ? '−' : '+'}${Math.abs(value ?? 0).toFixed(1)}`;
  const tries =
    moreAttempts <= 0 ? `${count(-moreAttempts, 'try').replace(/trys$/, 'tries')} fewer` : `${moreAttempts} tries more`;
  return `against ${against}: ${sign(moreRecoveredPercent)} % recovered (95 % interval ${sign(low)} to ${sign(high)} %), ${tries}`;
}

function moneyText(recovered: Readonly<Record<string, number>>): string {
  return Object.entries(recovered)
    .map(([currency, sum]) => formatMoney(BigInt(Math.round(sum * 100)) * 10_000_000n, currency))
    .join(' + ');
}

function round(value: number, unit: number): number {
  return Math.round(value * unit) / unit;
}
