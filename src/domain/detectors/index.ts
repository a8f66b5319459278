import { burst } from './burst.ts';
import type { Detector } from './detector.ts';
import { zScore } from './z-score.ts';

/** Every kind of detection. A new one is one file and one line here. */
export const DETECTORS: readonly [Detector, ...Detector[]] = [burst, zScore];
