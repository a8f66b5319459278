import { z } from 'zod';

const partSchema = z.looseObject({
  part: z.string().default('when'),
  text: z.string().default(''),
  left: z.union([z.number(), z.string()]).nullable().default(null),
  right: z.union([z.number(), z.string()]).nullable().default(null),
  unit: z.string().default(''),
  answer: z.string().default('unknown'),
});

// Evidence is kept as it was written, by this version or an older one, so reading it takes what is there.
const ruleSchema = z.looseObject({
  ruleId: z.string(),
  title: z.string().default(''),
  mode: z.string().default('live'),
  status: z.string(),
  score: z.number().default(0),
  unit: z.string().default(''),
  windowMs: z.number().default(0),
  observed: z.number().nullable().default(null),
  expected: z.number().nullable().default(null),
  lower: z.number().nullable().default(null),
  upper: z.number().nullable().default(null),
  threshold: z.number().nullable().default(null),
  say: z.string().default(''),
  reason: z.string().optional(),
  kind: z.string().default(''),
  feature: z.string().default(''),
  z: z.number().optional(),
  times: z.number().optional(),
  points: z.number().default(0),
  conditions: z.array(partSchema).default([]),
  evidence: z
    .looseObject({
      observed: z.number().nullable().default(null),
      expected: z.number().nullable().default(null),
      parts: z.record(z.string(), z.number().nullable()).default({}),
    })
    .optional(),
});

const costSchema = z.looseObject({
  outcome: z.string(),
  lossNanos: z.number(),
  frictionNanos: z.number(),
  reviewNanos: z.number(),
  totalNanos: z.number(),
});

/** The sum that weighed the outcomes. */
const choiceSchema = z.looseObject({
  outcome: z.string(),
  byPoints: z.string(),
  options: z.array(costSchema),
  probability: z.looseObject({ mean: z.number(), lower: z.number(), upper: z.number(), cases: z.number() }),
});

const wholeNanos = z
  .string()
  .regex(/^-?\d+$/)
  .transform(BigInt);

/** What a decision rested on, as far as it is shown to people. */
export const decisionEvidenceSchema = z.looseObject({
  results: z.array(ruleSchema).default([]),
  notFrozenBecause: z.string().nullable().default(null),
  raised: z.boolean().optional(),
  event: z.looseObject({ id: z.string(), source: z.string(), meter: z.string() }).optional(),
  wallet: z
    .looseObject({ status: z.string(), posted: wholeNanos, held: wholeNanos, quarantined: wholeNanos })
    .optional()
    .catch(undefined),
  moneyAtRisk: wholeNanos.optional().catch(undefined),
  loss: wholeNanos.optional().catch(undefined),
  choice: choiceSchema.optional().catch(undefined),
  radar: z.looseObject({ untilMs: z.number() }).optional().catch(undefined),
  hourlySpendNanos: z.array(z.number()).default([]),
  rules: z.string().optional(),
});

export type DecisionEvidence = z.infer<typeof decisionEvidenceSchema>;
export type RuleEvidence = z.infer<typeof ruleSchema>;
export type ConditionEvidence = z.infer<typeof partSchema>;
export type ChoiceEvidence = z.infer<typeof choiceSchema>;
