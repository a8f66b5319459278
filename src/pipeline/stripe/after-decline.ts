import { afterDecline } from '../../domain/topups/auto-top-up.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import type { MoneyStore } from './money-store.ts';

/** What the end of an automatic top-up without money means for the next one: a pause that grows, or the end until a new card. */
export async function afterAutoDecline(
  store: Pick<MoneyStore, 'auto' | 'signal'>,
  topUp: TopUp,
  nowMs: number,
): Promise<void> {
  const { tenant, account, topupId: subject, attempt, paymentIntent, declineCode, declineClass } = topUp;
  const key = `topup-declined-${subject}-${attempt}`;
  const detail = { code: declineCode, class: declineClass, attempt };
  const isNew = await store.signal({
    key,
    tenant,
    account,
    kind: 'topup_declined',
    subject,
    paymentIntent,
    atMs: nowMs,
    detail,
  });
  // Counted once, however many events tell of it.
  if (!isNew || topUp.kind !== 'auto') return;
  const declines = await store.auto.countDecline(topUp.walletId, nowMs);
  const next = afterDecline(declineClass ?? 'retry', declines, nowMs);
  if (next.is === 'pause') await store.auto.pause(topUp.walletId, next.untilMs, nowMs);
  else await store.auto.stop(topUp.walletId, { kind: 'card', because: next.because }, nowMs);
}
