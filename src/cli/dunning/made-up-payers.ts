import { HOURS_OF_WEEK, zoneClock } from '../../domain/dunning/local-time.ts';
import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import { createRandom, type Random } from '../demo/random.ts';
import type { SecretPayer } from './payer.ts';

/**
 * Kinds of made-up payers, and how many of a hundred. What is assumed: everybody has some hours in which their bank says yes
 * far more often, and what the hours have to do with the payer's activity differs by kind.
 */
const KINDS = [
  { kind: 'office', share: 30, about: 'pays in office hours, and is active then' },
  { kind: 'evening', share: 14, about: 'pays after work, and is active then' },
  { kind: 'own_hours', share: 14, about: 'pays in a few hours a day of their own; activity says nothing' },
  { kind: 'one_day', share: 12, about: 'pays on one or two days of the week, whatever the hour' },
  { kind: 'opposite', share: 8, about: 'is active when the bank says no: batch work at night, paid by day' },
  { kind: 'flat', share: 14, about: 'has no better hours' },
  { kind: 'never', share: 8, about: 'hardly ever pays' },
] as const;
type Kind = (typeof KINDS)[number]['kind'];

const ZONES = [
  'America/New_York',
  'America/Los_Angeles',
  'Europe/Berlin',
  'Europe/London',
  'Asia/Kolkata',
  'Asia/Tokyo',
  'America/Sao_Paulo',
  'Australia/Sydney',
  'UTC',
] as const;
const CODES = [
  'insufficient_funds',
  'insufficient_funds',
  'insufficient_funds',
  'do_not_honor',
  'generic_decline',
  'card_velocity_exceeded',
  'try_again_later',
] as const;
const START_MS = Date.UTC(2026, 5, 1);
const HISTORY_DAYS = 120;

/** Made-up payers whose good hours are hidden; the same seed gives the same payers. */
export function makeUpPayers(seed: number, count: number): readonly SecretPayer[] {
  return Array.from({ length: count }, (_, index) => makeUp(index, createRandom(seed, index)));
}

function makeUp(index: number, random: Random): SecretPayer {
  const kind = kindOf(random.next() * 100);
  const timezone = random.pick(ZONES);
  const low = random.between(0.02, 0.12);
  const high = random.between(0.45, 0.85);
  const shape = shapeOf(kind, random);
  const success = shape.good.map((good) =>
    kind === 'never' ? low / 4 : kind === 'flat' ? 0.1 + high / 5 : low + (high - low) * good,
  );
  const pace = random.between(2, 40);
  const activity = shape.active.map((share) => Math.floor(pace * (0.15 + share) * random.gammaOfMeanOne(0.6)));
  const clock = zoneClock(timezone);
  const history = Array.from({ length: random.below(25) }, () => {
    const atMs = START_MS + random.below(HISTORY_DAYS * 24) * HOUR_MS;
    const isKept = random.next() < 0.35 + 0.65 * (shape.active[clock.at(atMs).hourOfWeek] ?? 0);
    const succeeded = random.next() < (success[clock.at(atMs).hourOfWeek] ?? 0);
    return isKept ? [{ atMs, succeeded, declineCode: succeeded ? null : 'insufficient_funds' }] : [];
  })
    .flat()
    .sort((a, b) => a.atMs - b.atMs);
  const atMs = START_MS + HISTORY_DAYS * DAY_MS + random.below(HOURS_OF_WEEK) * HOUR_MS;
  const declineCode = random.pick(CODES);
  const failed = { atMs, succeeded: false, declineCode };
  const amount = random.pick([20, 50, 50, 100, 100, 250, 500, 1_000]);
  const payer = { payer: `payer_${index + 1}`, timezone, amount, currency: 'USD', declineCode, activity };
  return { payer: { ...payer, history: [...history, failed] }, success };
}

function kindOf(drawn: number): Kind {
  let left = drawn;
  for (const { kind, share } of KINDS) {
    left -= share;
    if (left < 0) return kind;
  }
  return 'flat';
}

/** How good and how active each hour of the week is, 0 to 1. */
function shapeOf(kind: Kind, random: Random): { readonly good: readonly number[]; readonly active: readonly number[] } {
  const office = block(8 + random.below(3), 8, isWorkday);
  const evening = block(17 + random.below(3), 5, () => true);
  const awake = block(8, 15, () => true);
  switch (kind) {
    case 'office':
      return { good: block(8 + random.below(5), 3 + random.below(4), isWorkday), active: office };
    case 'evening':
      return { good: block(17 + random.below(3), 3 + random.below(3), () => true), active: evening };
    case 'own_hours':
      return { good: block(random.below(24), 3 + random.below(4), () => true), active: awake };
    case 'one_day': {
      const days = [random.below(7), random.below(7)];
      return { good: block(0, 24, (day) => days.includes(day)), active: random.pick([office, awake]) };
    }
    case 'opposite':
      return { good: block(9 + random.below(4), 6, isWorkday), active: block(22, 8, () => true) };
    case 'flat':
    case 'never':
      return { good: block(0, 24, () => false), active: random.pick([office, evening, awake]) };
  }
}

function isWorkday(day: number): boolean {
  return day < 5;
}

function block(fromHour: number, hours: number, on: (day: number) => boolean): readonly number[] {
  return Array.from({ length: HOURS_OF_WEEK }, (_, at) => {
    const into = (at - fromHour + HOURS_OF_WEEK) % 24;
    const day = Math.floor(((at - into + HOURS_OF_WEEK) % HOURS_OF_WEEK) / 24);
    return into < hours && on(day) ? 1 : 0;
  });
}
