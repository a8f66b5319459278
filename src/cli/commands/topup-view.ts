import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import { moneyFields, timeField } from '../output/json.ts';
import { facts, table } from '../output/table.ts';
import { inWords, time } from '../output/words.ts';

/** A top-up for machines. */
export function topUpJson(topUp: TopUp) {
  return {
    topup: topUp.topupId,
    tenant: topUp.tenant,
    account: topUp.account,
    currency: topUp.currency,
    kind: topUp.kind,
    status: topUp.status,
    ...moneyFields('amount', topUp.amountNanos),
    ...moneyFields('credited', topUp.creditedNanos),
    ...moneyFields('refunded', topUp.refundedNanos),
    ...moneyFields('disputed', topUp.disputedNanos),
    customer: topUp.customer,
    paymentIntent: topUp.paymentIntent,
    checkoutSession: topUp.checkoutSession,
    url: topUp.url,
    urlExpiresAt: timeField(topUp.urlExpiresAtMs),
    flagged: topUp.isFlagged,
    review: topUp.reviewId,
    captureBefore: timeField(topUp.captureBeforeMs),
    declineCode: topUp.declineCode,
    note: topUp.note,
    actor: topUp.actor,
    createdAt: timeField(topUp.createdAtMs),
    updatedAt: timeField(topUp.updatedAtMs),
  };
}

/** Top-ups for people, one a line. */
export function topUpTable(topUps: readonly TopUp[]): string {
  return table(
    [
      { head: 'TOP-UP', cell: ({ topupId }) => topupId },
      { head: 'ACCOUNT', cell: ({ account }) => account },
      { head: 'KIND', cell: ({ kind }) => kind },
      { head: 'STATUS', cell: ({ status }) => inWords(status) },
      { head: 'AMOUNT', align: 'right', cell: ({ amountNanos, currency }) => formatMoney(amountNanos, currency) },
      { head: 'BEGUN', cell: ({ createdAtMs }) => time(createdAtMs) },
      { head: 'WHY', cell: ({ declineCode, note }) => declineCode ?? note ?? '–' },
    ],
    topUps,
  );
}

/** One top-up for people. */
export function topUpText(topUp: TopUp): string {
  const money = (nanos: bigint) => formatMoney(nanos, topUp.currency);
  const moved = (nanos: bigint) => (nanos === 0n ? undefined : money(nanos));
  const about = facts([
    ['Account', cleanText(topUp.account)],
    ['Amount', money(topUp.amountNanos)],
    ['Credited', moved(topUp.creditedNanos)],
    ['Refunded', moved(topUp.refundedNanos)],
    ['Disputed', moved(topUp.disputedNanos)],
    ['Pay at', topUp.url === null ? undefined : `${topUp.url}${until(topUp.urlExpiresAtMs)}`],
    ['Declined with', topUp.declineCode === null ? undefined : cleanText(topUp.declineCode)],
    ['Note', topUp.note === null ? undefined : cleanText(topUp.note)],
    ['Review', topUp.reviewId ?? (topUp.isFlagged ? 'the customer is flagged' : undefined)],
    ['Capture before', topUp.captureBeforeMs === null ? undefined : time(topUp.captureBeforeMs)],
    ['Payment', topUp.paymentIntent ?? undefined],
    ['Begun', `${time(topUp.createdAtMs)} by ${cleanText(topUp.actor)}`],
  ]);
  return `${topUp.topupId} · ${topUp.kind} · ${inWords(topUp.status)}\n\n${about}`;
}

function until(ms: number | null): string {
  return ms === null ? '' : ` (until ${time(ms)})`;
}
