import type { FleetDetector } from '../fleet/fleet-rule.ts';
import { ring } from '../fleet/ring.ts';
import { stuffing } from '../fleet/stuffing.ts';
import { backdated } from './backdated.ts';
import { burst } from './burst.ts';
import { clockSkew } from './clock-skew.ts';
import { cusum } from './cusum.ts';
import type { Detector } from './detector.ts';
import { distinct } from './distinct.ts';
import { drain } from './drain.ts';
import { duplicate } from './duplicate.ts';
import { forecast } from './forecast.ts';
import { novelty } from './novelty.ts';
import { offHours } from './off-hours.ts';
import { ratio } from './ratio.ts';
import { reversal } from './reversal.ts';
import { sequenceGap } from './sequence-gap.ts';
import { silence } from './silence.ts';
import type { StreamDetector } from './stream-detector.ts';
import { zScore } from './z-score.ts';

/** Every kind of detection over sums of buckets. A new one is one file and one line here. */
export const DETECTORS: readonly [Detector, ...Detector[]] = [burst, zScore];

/** Every kind that is shown each event of an account. A new one is one file and one line here. */
export const STREAM_DETECTORS: readonly [StreamDetector, ...StreamDetector[]] = [
  backdated,
  clockSkew,
  cusum,
  distinct,
  drain,
  duplicate,
  forecast,
  novelty,
  offHours,
  ratio,
  reversal,
  sequenceGap,
  silence,
];

/** Every kind that looks across accounts. A new one is one file in `fleet/` and one line here. */
export const FLEET_DETECTORS: readonly [FleetDetector, ...FleetDetector[]] = [ring, stuffing];
