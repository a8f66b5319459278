import { z } from 'zod';
import type { Detector } from '../detectors/detector.ts';
import { DETECTORS } from '../detectors/index.ts';
import { durationText } from '../detectors/shared-params.ts';

const testShape = z.strictObject({
  name: z.string().min(1).max(200).describe('What the case shows.'),
  series: z
    .string()
    .min(1)
    .describe(
      'One value per hour in the feature\'s unit (major units for money): "9x672 410"; 410@10min puts it into ten minutes.',
    ),
  given: z
    .record(z.string().min(1).max(200), z.union([z.string(), z.number()]))
    .optional()
    .describe("Values of other features, the wallet or the event: { \"distinct('key','24h')\": 4 }."),
  expect: z.enum(['fires', 'quiet', 'inconclusive']).describe('What the rule must say in the last hour.'),
});

/** The keys that rules of every kind share. */
export const ruleCommon = {
  id: z
    .string()
    .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, 'lower-case words joined by -')
    .max(64)
    .describe('The name of the file, without .yaml.'),
  title: z.string().min(1).max(120).describe('What an alert is headed with.'),
  why: z.string().min(1).max(1000).optional().describe("Why this is worth somebody's time. Required when live."),
  owner: z.string().min(1).max(200).optional().describe('Who answers for the rule. Required when live.'),
  mode: z
    .enum(['draft', 'shadow', 'live', 'retired'])
    .describe('draft: tested only; shadow: recorded without effect; live.'),
  review_by: z
    .string()
    .optional()
    .describe('Date by which somebody looks again, such as 2027-03-01. Required when live.'),
  when: z
    .string()
    .min(1)
    .optional()
    .describe("A condition in CEL that must hold as well: distinct('key', '24h') >= 3 && spend('1h') > 20.00 USD."),
  unless: z.string().min(1).optional().describe("An exception in CEL: account in list('trusted')."),
  say: z
    .string()
    .min(1)
    .max(500)
    .describe('One sentence for a person, with {observed}, {expected}, {window}, {times} and others.'),
  score: z.int().min(1).max(100).describe("Points added to the account's total while the rule fires."),
  once: z
    .strictObject({
      per: z.literal('account'),
      for: durationText.describe('How long the rule stays silent about an account after it has spoken.'),
      again_if: z
        .enum(['observed_doubles', 'money_at_risk_doubles', 'never'])
        .default('observed_doubles')
        .describe('What makes it speak again earlier.'),
    })
    .describe('Keeps one attack from raising an alert per event.'),
  tests: z
    .array(testShape)
    .max(100)
    .describe('At least one case that fires, one that is quiet and one that is inconclusive.'),
};

const featureText = z
  .string()
  .min(1)
  .describe("What is looked at: spend, events, altered, quantity('meter') or count('meter').");

const looseDetect = z.looseObject({ kind: z.string(), of: featureText });

/** A rule file whose kind of detection is not known: everything else can still be checked. */
export const looseRuleShape = z.strictObject({ ...ruleCommon, detect: looseDetect });

/** The shape of a rule file with this detector. */
export function ruleShapeFor(detector: Detector) {
  return z.strictObject({ ...ruleCommon, detect: detectShapeFor(detector) });
}

/** A rule file as it was written, with defaults filled in. */
export type RuleDocument = z.infer<typeof looseRuleShape>;

/** The shape of every rule file whose detector sums buckets. */
export function windowRuleShape() {
  const detect = z.discriminatedUnion('kind', [detectShapeFor(first), ...rest.map(detectShapeFor)]);
  return z.strictObject({ ...ruleCommon, detect });
}

const [first, ...rest] = DETECTORS;

function detectShapeFor(detector: Detector) {
  return detector.shape.extend({ kind: z.literal(detector.kind), of: featureText });
}
