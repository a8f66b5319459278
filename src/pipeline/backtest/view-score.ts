import { formatDecimal } from '../../domain/money/nanos.ts';
import { formatIso } from '../../domain/time.ts';
import type { ScoreView } from './report.ts';
import type { AlertScore } from './score-alerts.ts';

/** A score for print. */
export function viewScore(score: AlertScore): ScoreView {
  const { budget, falsePer1000, precision, recall, macroRecall } = score;
  return {
    budget,
    threshold: Number.isFinite(score.threshold) ? score.threshold : null,
    falsePer1000: Math.round(falsePer1000 * 1000) / 1000,
    precision,
    recall,
    macroRecall,
    lostBefore: decimal(score.lostBeforeNanos),
    loss: decimal(score.lossNanos),
    attacks: score.attacks.map(({ id, family, detectedAtMs, ruleId, eventsBefore, events, ...money }) => ({
      id,
      family,
      detectedAt: detectedAtMs === null ? null : formatIso(detectedAtMs),
      rule: ruleId,
      eventsBefore,
      events,
      lostBefore: decimal(money.lostBeforeNanos),
      loss: decimal(money.lossNanos),
    })),
    families: score.families.map(({ family, recall: own, lostBeforeNanos, lossNanos }) => {
      return { family, recall: own, lostBefore: decimal(lostBeforeNanos), loss: decimal(lossNanos) };
    }),
    rules: score.rules.map(({ ruleId, precision: own, recall: seen, first, savedNanos }) => {
      return { rule: ruleId, precision: own, recall: seen, first, saved: decimal(savedNanos) };
    }),
    falseIncidents: score.falseIncidents.map(({ account, source, atMs, ruleId, score: rarity, confounder }) => {
      return { account, source: source ?? null, at: formatIso(atMs), rule: ruleId, score: rarity, confounder };
    }),
  };
}

function decimal(nanos: number): string {
  return formatDecimal(BigInt(Math.round(nanos)));
}
