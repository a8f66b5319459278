import type { Payment } from '../../domain/payments/payment.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import { AppError } from '../../errors.ts';
import { freeze } from '../admin/freeze.ts';
import type { AccountLabels, MoneyIn } from './money-in.ts';
import { STRIPE_ACTOR } from './money-in.ts';
import type { PaymentSignal } from './money-store.ts';

/**
 * What banks and reviewers said with a payment, turned into signals, labels and, where the ruleset says so, a freeze. Each
 * once: a signal that is known has had its effects, or is having them in a delivery that will be repeated.
 */
export async function reactToPayment(money: MoneyIn, topUp: TopUp, payment: Payment): Promise<void> {
  for (const { signal, label, freezes } of reactionsTo(topUp, payment)) {
    // Effects first, all of them idempotent: a crash before the signal repeats them, one after it has nothing to repeat.
    if (label !== undefined) {
      const { tenant, account, key } = signal;
      // What is said of the account began with the payment, not on the day the bank said it.
      await money.labels.label({ tenant, account, key, atMs: payment.createdAtMs, ...label });
    }
    if (freezes) await freezeFor(money, topUp, signal);
    // Whoever may not be the card's holder is not charged again by itself.
    const isNew = await money.store.signal(signal);
    if (isNew && freezes) {
      const because = 'a bank warns of fraud';
      await money.store.auto.stop(topUp.walletId, { kind: 'alarm', because }, money.now());
    }
  }
}

interface Reaction {
  readonly signal: PaymentSignal;
  readonly label?: Pick<Parameters<AccountLabels['label']>[0], 'verdict' | 'source' | 'reason'>;
  readonly freezes: boolean;
}

/** Everything that follows from a payment as it is. */
function reactionsTo(topUp: TopUp, payment: Payment): readonly Reaction[] {
  const { tenant, account } = topUp;
  const of = (kind: string, subject: string, atMs: number, detail: PaymentSignal['detail']): PaymentSignal => ({
    key: `${kind}-${subject}`,
    tenant,
    account,
    kind,
    subject,
    paymentIntent: payment.id,
    atMs,
    detail,
  });
  const warnings = payment.warnings.map(({ id, fraudType, isActionable, createdAtMs }): Reaction => {
    const signal = of('early_fraud_warning', id, createdAtMs, { fraudType, isActionable });
    const label = {
      verdict: 'confirmed_fraud' as const,
      source: 'early_fraud_warning' as const,
      reason: `the bank warns of ${fraudType}`,
    };
    return { signal, label, freezes: true };
  });
  const disputes = payment.disputes.flatMap(({ id, status, reason, createdAtMs }): readonly Reaction[] => {
    const opened = { signal: of('dispute_opened', id, createdAtMs, { reason, status: 'opened' }), freezes: false };
    if (status !== 'won' && status !== 'lost') return [opened];
    const signal = of(`dispute_${status}`, id, createdAtMs, { reason, status });
    // Only a dispute about fraud says something of who pays; one about the goods does not.
    if (reason !== 'fraudulent') return [opened, { signal, freezes: false }];
    const verdict = status === 'lost' ? ('confirmed_fraud' as const) : ('benign' as const);
    const label = { verdict, source: 'dispute' as const, reason: `dispute ${id} was ${status}` };
    return [opened, { signal, label, freezes: false }];
  });
  return [...warnings, ...disputes, ...reviewReaction(payment, of)];
}

function reviewReaction(
  { review, createdAtMs }: Payment,
  of: (kind: string, subject: string, atMs: number, detail: PaymentSignal['detail']) => PaymentSignal,
): readonly Reaction[] {
  if (review === null || review.isOpen) return [];
  const closedReason = review.closedReason ?? 'unknown';
  const signal = of('review_closed', review.id, createdAtMs, { closedReason, openedReason: review.openedReason });
  const reason = `review ${review.id} was closed as ${closedReason}`;
  if (closedReason === 'approved')
    return [{ signal, label: { verdict: 'benign', source: 'review', reason }, freezes: false }];
  const isFraud = closedReason === 'refunded_as_fraud';
  return [
    { signal, ...(isFraud && { label: { verdict: 'confirmed_fraud', source: 'review', reason } }), freezes: false },
  ];
}

/** Freezes the wallet when the policy says so. A wallet that is being thawed is left to whoever thaws it, with a case. */
async function freezeFor(money: MoneyIn, topUp: TopUp, { key, subject, detail }: PaymentSignal): Promise<void> {
  const hours = money.warningFreezeHours();
  if (hours === null || (await money.store.postedKeys([`stripe-${key}`])).size > 0) return;
  const { tenant, account, currency } = topUp;
  const nowMs = money.now();
  try {
    await freeze(money.admin, {
      wallet: { tenant, name: account, currency },
      hours,
      key: `stripe-${key}`,
      actor: STRIPE_ACTOR,
      reason: `early fraud warning ${subject}`,
      nowMs,
      dryRun: false,
    });
  } catch (error) {
    if (!(error instanceof AppError) || (error.code !== 'WALLET_STATE' && error.code !== 'WALLET_NOT_FOUND'))
      throw error;
    const title = `A bank warns of fraud and the wallet of ${account} could not be frozen: ${error.message}`;
    await money.store.openCase({ kind: 'not_frozen', subject, title, tenant, account, detail }, nowMs);
  }
}
