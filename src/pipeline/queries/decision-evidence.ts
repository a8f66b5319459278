import { z } from 'zod';

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
});

/** What a decision rested on, as far as it is shown to people. */
export const decisionEvidenceSchema = z.looseObject({
  results: z.array(ruleSchema).default([]),
  notFrozenBecause: z.string().nullable().default(null),
});

export type DecisionEvidence = z.infer<typeof decisionEvidenceSchema>;
export type RuleEvidence = z.infer<typeof ruleSchema>;
