import { z } from 'zod';
import type { EvidenceItem } from './evidence.ts';

export const VERDICTS = ['likely_abuse', 'likely_benign', 'unclear'] as const;
export const CLAIMS = [
  'far_above_usual',
  'within_usual',
  'sudden_start',
  'steady_growth',
  'new_kind_of_use',
  'money_exposed',
  'little_money_exposed',
  'similar_cases_were_fraud',
  'similar_cases_were_benign',
  'several_rules_agree',
  'too_little_history',
] as const;
export const NEXT_STEPS = ['ask_customer', 'check_keys', 'keep_watching', 'close_as_benign', 'escalate'] as const;

/**
 * All that a model can say. There is no free text in it: what people read of a review is written by us, from these words
 * and our own figures, so nothing that a customer wrote comes back through a model.
 */
export const verdictSchema = z.strictObject({
  verdict: z.enum(VERDICTS),
  confidence: z.number().min(0).max(1),
  claims: z
    .array(
      z.strictObject({
        claim: z.enum(CLAIMS),
        evidence_ids: z.array(z.string()).min(1).max(8),
        figures: z.array(z.strictObject({ evidence_id: z.string(), name: z.string(), value: z.number() })).max(8),
      }),
    )
    .max(12),
  next_step: z.enum(NEXT_STEPS),
});

export type ModelVerdict = z.infer<typeof verdictSchema>;
export type Claim = ModelVerdict['claims'][number];

/** The claims whose evidence exists and whose figures are the ones shown, to a millionth. The rest is dropped. */
export function supportedClaims(claims: readonly Claim[], evidence: readonly EvidenceItem[]): readonly Claim[] {
  const byId = new Map(evidence.map((item) => [item.id, item]));
  return claims.filter(
    ({ evidence_ids: ids, figures }) =>
      ids.every((id) => byId.has(id)) &&
      figures.every(({ evidence_id: id, name, value }) => {
        const item = byId.get(id);
        if (item === undefined || !ids.includes(id) || !Object.hasOwn(item.figures, name)) return false;
        return Math.round(value * 1e6) / 1e6 === item.figures[name];
      }),
  );
}

/** How far a verdict leans: 1 is certain abuse, -1 certainly benign. */
export function leaningOf({ verdict, confidence }: Pick<ModelVerdict, 'verdict' | 'confidence'>): number {
  if (verdict === 'unclear') return 0;
  return verdict === 'likely_abuse' ? confidence : -confidence;
}
