import { z } from 'zod';
import { durationText } from '../detectors/shared-params.ts';
import { eventDetails } from '../features/event-details.ts';
import { take } from './compile-context.ts';
import type { EventStep } from './shown-rule.ts';
import { parseDuration } from './units.ts';
import type { YamlPath, YamlSource } from './yaml-source.ts';

const NANOS_PER_CURRENCY = 1e9;

const label = z.string().min(1).max(100).optional();

const stepShape = z.strictObject({
  times: z.int().min(1).max(20_000).default(1).describe('How many such events.'),
  every: durationText.default('10min').describe('Time from one to the next.'),
  after: durationText.optional().describe('A pause before the first.'),
  late: durationText.optional().describe('They arrive this long after their own time.'),
  ahead: durationText.optional().describe('They claim a time this far in the future.'),
  as: z.enum(['posted', 'altered', 'duplicate']).default('posted').describe('altered: a known id with other content.'),
  accounts: z.int().min(1).max(1_000).default(1).describe('They take turns over so many accounts.'),
  balance: z
    .number()
    .min(0)
    .max(1e6)
    .optional()
    .describe(
      'What the wallet holds before the first of them, in the currency. A unit of usage takes a millionth of it.',
    ),
  sequence: z
    .enum(['none', 'next', 'skip'])
    .default('none')
    .describe('The number they carry: the next, or leaving one out.'),
  fresh: z
    .array(z.enum(['source', 'region', 'key', 'feature', 'device', 'card', 'email_domain']))
    .default([])
    .describe('What has a new value with every event.'),
  // What a step leaves out stays as in the step before.
  meter: label,
  quantity: z.number().min(0).optional(),
  source: label,
  region: label,
  key: label,
  feature: label,
  device: label,
  card: label,
  email_domain: label,
  outcome: label,
  reason: label,
  tier: label,
  env: label,
});

/** A test of a rule that is shown events. */
export const eventTestShape = z.strictObject({
  name: z.string().min(1).max(200).describe('What the case shows.'),
  events: z.array(stepShape).min(1).max(50).describe('What happens, in order. What a step leaves out stays as before.'),
  expect: z
    .enum(['fires', 'quiet', 'inconclusive'])
    .describe('fires: in the last step; quiet: never; inconclusive: never, and too little is known to say.'),
});

type Step = z.infer<typeof stepShape>;

const LABELS = [
  'region',
  'key',
  'feature',
  'device',
  'card',
  'email_domain',
  'outcome',
  'reason',
  'tier',
  'env',
] as const;

/** Reads the steps of a test. Problems are reported on the source; undefined when there are any. */
export function compileSteps(source: YamlSource, at: YamlPath, steps: readonly Step[]): EventStep[] | undefined {
  const compiled: EventStep[] = [];
  let meter = 'usage';
  let quantity = 1;
  let from = 'a';
  const properties: { [name: string]: string } = {};
  for (const [index, step] of steps.entries()) {
    const here = [...at, index];
    meter = step.meter ?? meter;
    quantity = step.quantity ?? quantity;
    from = step.source ?? from;
    for (const name of LABELS) {
      const value = step[name];
      if (value !== undefined) properties[name] = value;
    }
    const everyMs = take(source, [...here, 'every'], parseDuration(step.every));
    const afterMs = step.after === undefined ? 0 : take(source, [...here, 'after'], parseDuration(step.after));
    const lateMs = step.late === undefined ? 0 : take(source, [...here, 'late'], parseDuration(step.late));
    const aheadMs = step.ahead === undefined ? 0 : take(source, [...here, 'ahead'], parseDuration(step.ahead));
    if (everyMs === undefined || afterMs === undefined || lateMs === undefined || aheadMs === undefined)
      return undefined;
    compiled.push({
      times: step.times,
      everyMs,
      afterMs,
      accounts: step.accounts,
      meter,
      quantity,
      lateMs: lateMs - aheadMs,
      disposition: step.as,
      ...(step.balance === undefined ? {} : { balanceNanos: step.balance * NANOS_PER_CURRENCY }),
      sequence: step.sequence,
      details: eventDetails({ source: from, sequence: null, properties: { ...properties } }),
      fresh: step.fresh.map((name) => (name === 'email_domain' ? 'emailDomain' : name)),
    });
  }
  return compiled;
}
