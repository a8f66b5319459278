import { drainSlowly, leakKey, type Tampering, tamperMeter } from './attacks.ts';
import type { CastMember } from './cast.ts';
import { playLookAlike } from './look-alikes.ts';
import type { AttackFamily, DemoAttack, DemoLookAlike, DemoOptions, DemoScript, LookAlikeKind } from './plan.ts';
import type { Random } from './random.ts';
import { expectedSpendNanos, type UsageStream } from './usage-stream.ts';

const NANOS_PER_USD = 1_000_000_000;
const LOOK_ALIKES: readonly LookAlikeKind[] = [
  'onboarding_ramp',
  'product_launch',
  'month_end_batch',
  'key_rotation',
  'offline_sync',
];
/** What customers top up with, in whole dollars. */
const TOP_UPS_USD = [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000] as const;
/** Headroom over the expected spend: single events are heavy-tailed, and an honest wallet should last. */
const TOP_UP_HEADROOM = 1.5;
const DRY_WALLETS = 2;
const ATTACK_DAYS_MIN = 3;

/** An account with everything that happens to it. */
export interface DemoAccount {
  readonly account: string;
  readonly streams: readonly UsageStream[];
  readonly tampering?: Tampering;
  readonly outage?: { readonly startMs: number; readonly endMs: number };
  /** Absent: it uses, but nobody ever topped it up. */
  readonly openingTopUpNanos?: bigint;
}

/** Who plays what. */
export interface Story {
  readonly accounts: readonly DemoAccount[];
  readonly attacks: readonly DemoAttack[];
  readonly lookAlikes: readonly DemoLookAlike[];
}

/** Gives the parts of the script to accounts that looked ordinary so far; the last `strangers` are never topped up. */
export function writeStory(of: {
  readonly cast: readonly CastMember[];
  readonly strangers: number;
  readonly script: DemoScript;
  readonly options: DemoOptions;
  readonly random: Random;
}): Story {
  const { cast, script, options, random } = of;
  const funded = cast.slice(0, cast.length - of.strangers);
  const choose = chooser(funded, random);
  // With fewer accounts than parts, the last parts are left out.
  const play = <Played>(part: Part, perform: (member: CastMember) => Played): Played | undefined => {
    const member = choose(part);
    return member === undefined ? undefined : perform(member);
  };

  // An attack needs days before it that looked honest.
  const abuse = options.days >= ATTACK_DAYS_MIN ? script : { leakedKeys: 0, slowDrains: 0, tamperedMeters: 0 };
  // First choice to the parts with the narrowest needs: hiding usage takes a busy meter, a leak a large account.
  const injections = [
    ...times(abuse.tamperedMeters, () => play('tampered_meter', (member) => tamperMeter({ member, options, random }))),
    ...times(abuse.slowDrains, () => play('slow_drain', (member) => drainSlowly({ member, options, random }))),
    ...times(abuse.leakedKeys, (index) => {
      const place = abuse.leakedKeys === 1 ? 0.5 : index / (abuse.leakedKeys - 1);
      return play('leaked_key', (member) => leakKey({ member, options, random, place }));
    }),
  ];
  const lookAlikes = times(script.lookAlikes ? LOOK_ALIKES.length : 0, (index) => {
    const kind = LOOK_ALIKES[index] ?? 'onboarding_ramp';
    return play('look_alike', (member) => playLookAlike({ kind, member, options, random }));
  });
  const dry = new Set(times(script.noise ? DRY_WALLETS : 0, () => play('dry', ({ account }) => account)));

  const accounts = cast.map((member, index): DemoAccount => {
    const injection = injections.find(({ attack }) => attack.account === member.account);
    const lookAlike = lookAlikes.find(({ note }) => note.account === member.account);
    const streams = [lookAlike?.usage ?? member.usage, lookAlike?.extra, injection?.stream].filter(
      (stream) => stream !== undefined,
    );
    return {
      account: member.account,
      streams,
      ...(injection?.tampering === undefined ? {} : { tampering: injection.tampering }),
      ...(lookAlike?.outage === undefined ? {} : { outage: lookAlike.outage }),
      ...(index >= funded.length ? {} : { openingTopUpNanos: topUp(streams, dry.has(member.account)) }),
    };
  });
  return {
    accounts,
    attacks: injections.map(({ attack }) => attack),
    lookAlikes: lookAlikes.map(({ note }) => note),
  };
}

function topUp(streams: readonly UsageStream[], dry: boolean): bigint {
  const spend = streams.reduce((total, stream) => total + expectedSpendNanos(stream), 0) / NANOS_PER_USD;
  const enough = TOP_UPS_USD.find((usd) => usd >= spend * TOP_UP_HEADROOM) ?? Math.ceil(spend * TOP_UP_HEADROOM);
  // A dry wallet also uses up the overdraft of 5 USD that the shipped ruleset allows.
  return BigInt(dry ? Math.max(1, Math.floor(spend * 0.7 - 5)) : enough) * BigInt(NANOS_PER_USD);
}

type Part = AttackFamily | 'look_alike' | 'dry';

/** What a part asks of an account, so that there is something to steal, hide or compare with. Spend in dollars. */
const PARTS: Readonly<Record<Part, { readonly usdMin: number; readonly usdMax: number; readonly busiest: boolean }>> = {
  leaked_key: { usdMin: 95, usdMax: 350, busiest: false },
  slow_drain: { usdMin: 150, usdMax: 400, busiest: false },
  tampered_meter: { usdMin: 4, usdMax: 90, busiest: true },
  look_alike: { usdMin: 3, usdMax: 60, busiest: false },
  dry: { usdMin: 9, usdMax: 20, busiest: false },
};
const STEADY_SHARE = 0.75;
const BUSIEST = 3;

/** Hands out each account once: steady token buyers within the part's range, else the steadiest that are left. */
function chooser(cast: readonly CastMember[], random: Random): (part: Part) => CastMember | undefined {
  const left = cast.filter(({ usage }) => usage.metering.kind === 'tokens');
  return (part) => {
    const { usdMin, usdMax, busiest } = PARTS[part];
    const fitting = left.filter(
      ({ activeHours, usage, spendNanos }) =>
        activeHours >= STEADY_SHARE * usage.hourlyRequests.length &&
        spendNanos >= usdMin * NANOS_PER_USD &&
        spendNanos <= usdMax * NANOS_PER_USD,
    );
    if (busiest) fitting.sort((a, b) => flushes(b) - flushes(a));
    const candidates = fitting.length > 0 ? fitting.slice(0, busiest ? BUSIEST : undefined) : left.slice(0, 1);
    if (candidates.length === 0) return undefined;
    const chosen = random.pick(candidates);
    left.splice(left.indexOf(chosen), 1);
    return chosen;
  };
}

function times<Made>(count: number, make: (index: number) => Made | undefined): Made[] {
  return Array.from({ length: count }, (_, index) => make(index)).filter((made) => made !== undefined);
}

function flushes({ usage }: CastMember): number {
  return usage.hourlyRequests.reduce((sum, hour) => sum + hour, 0) / usage.requestsPerFlush;
}
