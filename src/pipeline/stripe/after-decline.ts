import { afterDecline } from '../../domain/topups/auto-top-up.ts';
import type { Decline } from '../../domain/topups/decline.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import type { MoneyIn } from './money-in.ts';
import type { MoneyStore } from './money-store.ts';

/** What the end of an automatic top-up without money means for the next one: a pause that grows, or the end until a new card. */
export async function afterAutoDecline(
  {
    store,
    afterDecline: planned,
  }: { readonly store: Pick<MoneyStore, 'auto' | 'signal'> } & Pick<MoneyIn, 'afterDecline'>,
  topUp: TopUp,
  decline: Decline | null,
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
  const said = decline ?? {
    code: declineCode,
    declineCode,
    adviceCode: null,
    networkAdviceCode: null,
    networkDeclineCode: null,
  };
  const next =
    planned === undefined ? afterDecline(declineClass ?? 'retry', declines, nowMs) : await planned(topUp, said, nowMs);
  if (next.is === 'pause') await store.auto.pause(topUp.walletId, next.untilMs, nowMs);
  else
    await store.auto.stop(
      topUp.walletId,
      { kind: next.isAlarm === true ? 'alarm' : 'card', because: next.because },
      nowMs,
    );
}
