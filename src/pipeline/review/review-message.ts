import type { OutboxRow } from '../lane/batch-record.ts';

/** The message that asks for a review of an alert: part of the transaction that raised it. */
export function reviewMessage({ tenant, alertId }: { readonly tenant: string; readonly alertId: string }): OutboxRow {
  return { topic: 'review', messageKey: `review-${alertId}`, payload: { v: 1, tenant, alert: alertId } };
}
