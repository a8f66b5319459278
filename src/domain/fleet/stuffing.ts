import { z } from 'zod';
import { poissonRarity } from '../calibration/poisson.ts';
import { compileWithin, durationText } from '../detectors/shared-params.ts';
import { rarityParam } from '../detectors/stream-detector.ts';
import { defineFleetDetector, type FleetRow, type FleetRun, type TellFleet } from './fleet-rule.ts';
import { WindowedSets } from './windowed-sets.ts';

/** Accounts that one foreign source honestly fails to sign in to. */
const HONEST_PER_SOURCE = 0.05;
const PLATFORM_WEIGHT = 0.8;
const FAILURES_MAX = 20_000;
const EVERYBODY = 1;

const shape = z.strictObject({
  rarity: rarityParam,
  on: z.string().min(1).default('auth').describe('The meter whose facts say whether a sign-in failed.'),
  within: durationText.default('30h').describe('How far back failures are counted; up to 7d.'),
  usual: z
    .number()
    .min(0.1)
    .max(1e6)
    .default(6)
    .describe('Accounts that honestly see a failure from a source of their own they never used, in that time.'),
});

/**
 * Flags sign-ins from sources that are foreign to their accounts, while such failures spread over accounts: many accounts
 * failed by one source, or many accounts failed by foreign sources at once.
 */
export const stuffing = defineFleetDetector({
  kind: 'stuffing',
  shape,
  compile(params, context) {
    const withinMs = compileWithin(params.within, 7, context);
    if (withinMs === undefined) return undefined;
    return {
      prior: { at: 1.5, slope: 1 },
      windowMs: withinMs,
      meter: params.on,
      wants: ({ isForeignSource }) => isForeignSource,
      open: () => new StuffingRun(params.on, withinMs, params.usual),
    };
  },
});

class StuffingRun implements FleetRun {
  readonly #on: string;
  readonly #usual: number;
  readonly #bySource: WindowedSets;
  readonly #all: WindowedSets;

  constructor(on: string, withinMs: number, usual: number) {
    this.#on = on;
    this.#usual = usual;
    this.#bySource = new WindowedSets(withinMs, FAILURES_MAX);
    this.#all = new WindowedSets(withinMs, FAILURES_MAX);
  }

  see({ account, meter, ingestedAtMs, details, isForeignSource }: FleetRow, tell: TellFleet): void {
    if (meter !== this.#on || !isForeignSource) return;
    if (details.failed) {
      this.#bySource.add(details.source, account, ingestedAtMs);
      this.#all.add(EVERYBODY, account, ingestedAtMs);
    }
    // A success from a source that fails elsewhere is what the attacker was after. A success from a machine that failed
    // nowhere is somebody's new machine, however many others are under attack.
    const perSource = poissonRarity(this.#bySource.size(details.source), HONEST_PER_SOURCE);
    const everywhere = details.failed ? poissonRarity(this.#all.size(EVERYBODY), this.#usual) * PLATFORM_WEIGHT : 0;
    tell(account, Math.max(perSource, everywhere));
  }
}
