import { z } from 'zod';
import { FLEET_DETECTORS, STREAM_DETECTORS } from '../detectors/index.ts';
import { rarityParam, type StreamDetector } from '../detectors/stream-detector.ts';
import type { FleetDetector } from '../fleet/fleet-rule.ts';
import { eventTestShape } from './event-steps.ts';
import { ruleCommon, windowRuleShape } from './rule-schema.ts';

/** A detector that is shown events instead of sums. */
export type ShownDetector = StreamDetector | FleetDetector;

/** Every kind of them. */
export const SHOWN_DETECTORS: readonly ShownDetector[] = [...STREAM_DETECTORS, ...FLEET_DETECTORS];

const tests = z
  .array(eventTestShape)
  .max(100)
  .describe('At least one case that fires, one that is quiet and one that is inconclusive.');

/** The part that rule files with such a detector share. */
export const looseShownShape = z.strictObject({
  ...ruleCommon,
  tests,
  detect: z.looseObject({ kind: z.string(), rarity: rarityParam }),
});

/** A rule file as it was written, with defaults filled in. */
export type ShownDocument = z.infer<typeof looseShownShape>;

/** The shape of a rule file with this detector. */
export function shownRuleShapeFor(detector: ShownDetector) {
  return z.strictObject({ ...ruleCommon, tests, detect: detectShapeFor(detector) });
}

/** JSON Schema of a rule file: gives completion in editors, and is published as `docs/rule.schema.json`. */
export function ruleJsonSchema(): unknown {
  const [first, ...rest] = STREAM_DETECTORS;
  const others = [...rest, ...FLEET_DETECTORS].map(detectShapeFor);
  const detect = z.discriminatedUnion('kind', [detectShapeFor(first), ...others]);
  const shown = z.strictObject({ ...ruleCommon, tests, detect });
  return { ...z.toJSONSchema(z.union([windowRuleShape(), shown]), { io: 'input' }), title: 'A Tollkeeper rule' };
}

function detectShapeFor(detector: ShownDetector) {
  return detector.shape.extend({ kind: z.literal(detector.kind) });
}
