import { z } from 'zod';
import { poissonRarity } from '../calibration/poisson.ts';
import { compileWithin, durationText } from '../detectors/shared-params.ts';
import { rarityParam } from '../detectors/stream-detector.ts';
import { defineFleetDetector, type FleetRow, type FleetRun, type TellFleet } from './fleet-rule.ts';
import { WindowedSets } from './windowed-sets.ts';

/** How many others an honest new account shares each of these with. */
const HONEST_DEVICE = 0.01;
const HONEST_SOURCE = 0.01;
const HONEST_DOMAIN = 0.15;
const HONEST_REGION = 0.25;

const DEVICE_WEIGHT = 0.8;
const SOURCE_WEIGHT = 0.8;
const DOMAIN_WEIGHT = 0.7;
const REGION_WEIGHT = 0.5;

/** Many free sign-ups from one region say little by themselves, more about an account that is linked besides. */
const REGION_MAX_LINKED = 3;
const REGION_MAX_ALONE = 0.9;

const SIGNUPS_MAX = 20_000;
/** After one more link, at most this many accounts of the ring are scored again. */
const RESCORED_MAX = 64;

const shape = z.strictObject({
  rarity: rarityParam,
  on: z.string().min(1).default('signup').describe('The meter whose facts carry device, source and e-mail domain.'),
  within: durationText.default('10d').describe('How far back sign-ups are linked.'),
});

/** Links accounts that signed up with the same device, source, e-mail domain, or for free in the same region. */
export const ring = defineFleetDetector({
  kind: 'ring',
  shape,
  compile(params, context) {
    const withinMs = compileWithin(params.within, 30, context);
    if (withinMs === undefined) return undefined;
    return {
      prior: { at: 1.5, slope: 1 },
      windowMs: withinMs,
      meter: params.on,
      open: () => new RingRun(params.on, withinMs),
    };
  },
});

interface Signup {
  readonly device: number;
  readonly source: number;
  readonly domain: number;
  /** 0 when the sign-up pays. */
  readonly freeRegion: number;
}

class RingRun implements FleetRun {
  readonly #on: string;
  readonly #signups = new Map<string, Signup>();
  readonly #devices: WindowedSets;
  readonly #sources: WindowedSets;
  readonly #domains: WindowedSets;
  readonly #regions: WindowedSets;

  constructor(on: string, withinMs: number) {
    this.#on = on;
    this.#devices = new WindowedSets(withinMs, SIGNUPS_MAX);
    this.#sources = new WindowedSets(withinMs, SIGNUPS_MAX);
    this.#domains = new WindowedSets(withinMs, SIGNUPS_MAX);
    this.#regions = new WindowedSets(withinMs, SIGNUPS_MAX);
  }

  see({ account, meter, ingestedAtMs, details }: FleetRow, tell: TellFleet): void {
    if (meter !== this.#on) return;
    const { device, source, emailDomain: domain } = details;
    const signup = { device, source, domain, freeRegion: details.free ? details.region : 0 };
    this.#remember(account, signup);
    const shared = [
      [this.#devices, device],
      [this.#sources, source],
      [this.#domains, domain],
      [this.#regions, signup.freeRegion],
    ] as const;
    const linked = new Set<string>();
    for (const [sets, value] of shared) {
      if (value === 0) continue;
      sets.add(value, account, ingestedAtMs);
      for (const other of sets.of(value).keys()) {
        if (linked.size >= RESCORED_MAX) break;
        linked.add(other);
      }
    }
    linked.add(account);
    // Links only grow: a new member makes the others more suspicious as well.
    for (const other of linked) {
      const known = this.#signups.get(other);
      if (known !== undefined) tell(other, this.#score(known));
    }
  }

  #remember(account: string, signup: Signup): void {
    this.#signups.delete(account);
    this.#signups.set(account, signup);
    if (this.#signups.size <= SIGNUPS_MAX) return;
    for (const oldest of this.#signups.keys()) {
      this.#signups.delete(oldest);
      return;
    }
  }

  #score({ device, source, domain, freeRegion }: Signup): number {
    const devices = others(this.#devices, device);
    const sources = others(this.#sources, source);
    const domains = others(this.#domains, domain);
    const isLinked = devices + sources + domains > 0;
    const region = poissonRarity(others(this.#regions, freeRegion), HONEST_REGION) * REGION_WEIGHT;
    return (
      poissonRarity(devices, HONEST_DEVICE) * DEVICE_WEIGHT +
      poissonRarity(sources, HONEST_SOURCE) * SOURCE_WEIGHT +
      poissonRarity(domains, HONEST_DOMAIN) * DOMAIN_WEIGHT +
      Math.min(region, isLinked ? REGION_MAX_LINKED : REGION_MAX_ALONE)
    );
  }
}

function others(sets: WindowedSets, value: number): number {
  return value === 0 ? 0 : Math.max(0, sets.size(value) - 1);
}
