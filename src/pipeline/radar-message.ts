import type { RadarEffect } from '../actions/radar-review.ts';
import type { OutboxRow } from './lane/batch-record.ts';

/** The message that puts an account before Radar: part of the transaction that decided it, once for each decision. */
export function radarMessage({ tenant, account, decisionId, untilMs, reason }: RadarEffect): OutboxRow {
  return {
    topic: 'radar',
    messageKey: `radar-${decisionId}`,
    payload: { v: 1, put: { tenant, account, decision: decisionId, untilMs, reason } },
  };
}
