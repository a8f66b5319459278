import { DAY_MS } from '../../domain/time.ts';
import { createRandom, type Random } from '../demo/random.ts';
import { ACCOUNT_ABUSE } from './account-abuse.ts';
import type { AttackContext, Family, Scheme } from './attack.ts';
import { LOOK_ALIKES } from './look-alikes.ts';
import { METER_TAMPERING } from './meter-tampering.ts';
import type { AccountProfile, HistoryProfile } from './profile.ts';
import { STOLEN_USAGE } from './stolen-usage.ts';

/** Every kind of attack, by the name given on the command line. */
export const ATTACKS: readonly Family[] = [...STOLEN_USAGE, ...METER_TAMPERING, ...ACCOUNT_ABUSE];

export interface AttackPlanOptions {
  readonly families: readonly Family[];
  /** Attacks of each family, and of each kind of honest look-alike. */
  readonly perFamily: number;
  readonly seed: number;
  readonly difficulty: number;
  /** Nothing happens before this many days: rules learn what is usual. */
  readonly warmUpDays: number;
  readonly priceOf: AttackContext['priceOf'];
}

/** A scheme with its place in the plan. */
export interface Planned extends Scheme {
  readonly id: string;
  readonly family: string;
  readonly isHonest: boolean;
}

/** What could not be arranged, and why nothing is missing that should be there. */
export interface AttackPlan {
  readonly schemes: readonly Planned[];
  /** Families for which too few accounts are suited. */
  readonly unsuited: readonly string[];
}

/** Accounts with less history than this have no usual to depart from. */
const VICTIM_EVENTS_MIN = 60;
const VICTIM_DAYS_MIN = 5;

/**
 * Chooses victims and writes the attacks. Everybody is hit by one scheme at most, so that labels are never ambiguous, but
 * for stuffing, which spreads over whoever is there.
 */
export function planAttacks(history: HistoryProfile, options: AttackPlanOptions): AttackPlan {
  const random = createRandom(options.seed, 0);
  const fromMs = history.firstMs + options.warmUpDays * DAY_MS;
  const free = shuffled(
    random,
    history.accounts.filter((profile) => isVictim(profile, fromMs)),
  );
  const schemes: Planned[] = [];
  const unsuited = new Set<string>();
  let names = 0;
  const add = (family: Family, isHonest: boolean) => {
    const number = schemes.length;
    // Each scheme draws from a stream of its own: another family more does not move the others.
    const own = createRandom(options.seed, 1 + number * 64 + ATTACKS.length);
    for (let tried = 0; tried < Math.min(8, free.length); tried++) {
      const victim = free[0];
      if (victim === undefined) break;
      const built = family.build({
        random: own,
        history,
        victim,
        others: free.slice(1),
        difficulty: options.difficulty,
        fromMs: Math.max(fromMs, victim.firstMs + VICTIM_DAYS_MIN * DAY_MS),
        toMs: history.lastMs,
        priceOf: options.priceOf,
        name: (prefix) => nameOf(prefix, own, names++),
      });
      free.push(...free.splice(0, 1));
      if (built === undefined) continue;
      // It went to the end of the queue and is taken out of it.
      free.pop();
      schemes.push({
        ...built,
        id: `${isHonest ? 'ok' : 'atk'}_${String(number).padStart(3, '0')}`,
        family: family.name,
        isHonest,
      });
      return;
    }
    unsuited.add(family.name);
  };
  for (let round = 0; round < options.perFamily; round++) {
    for (const family of options.families) add(family, false);
    for (const family of LOOK_ALIKES) add(family, true);
  }
  return { schemes, unsuited: [...unsuited] };
}

function isVictim({ events, firstMs, lastMs, sample }: AccountProfile, fromMs: number): boolean {
  const isKnown = events >= VICTIM_EVENTS_MIN && lastMs - firstMs >= VICTIM_DAYS_MIN * DAY_MS;
  return isKnown && sample.length > 0 && lastMs > fromMs + DAY_MS;
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items];
  const mixed: T[] = [];
  while (left.length > 0) mixed.push(...left.splice(random.below(left.length), 1));
  return mixed;
}

/** A name like those of the history, and new: addresses are addresses, everything else is hexadecimal. */
function nameOf(prefix: string, random: Random, number: number): string {
  if (prefix === '10.') return `10.${random.below(256)}.${random.below(256)}.${1 + random.below(254)}`;
  return `${prefix}${prefix.endsWith('_') ? '' : '-'}${random.hex(7)}${(number % 65_536).toString(16).padStart(4, '0')}`;
}
