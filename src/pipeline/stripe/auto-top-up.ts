import { derivedId } from '../../domain/ids.ts';
import { nanosToMinor } from '../../domain/money/minor-units.ts';
import { DAY_MS } from '../../domain/time.ts';
import { type AutoTopUpVerdict, judgeAutoTopUp } from '../../domain/topups/auto-top-up.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import { requestHash } from '../admin/request.ts';
import { chargeAttempt } from './charge-attempt.ts';
import type { MoneyIn } from './money-in.ts';
import type { AutoTopUpFigures } from './money-store.ts';
import { isBeforeRadar } from './start-checkout.ts';

/** Who begins automatic top-ups. */
const ACTOR = 'auto-topup';
const PAGE = 100;

/**
 * Looks at every wallet whose committed balance is below its threshold, and charges those that may be charged. Returns how
 * many were begun. Safe to run in many processes at once: the database lets one top-up of a wallet begin.
 */
export async function sweepAutoTopUps(money: MoneyIn): Promise<number> {
  let begun = 0;
  for (const walletId of await money.store.auto.belowThreshold(money.now(), PAGE)) {
    if ((await autoTopUp(money, walletId)) !== undefined) begun++;
  }
  return begun;
}

/** Charges one wallet's saved card if its policy and its past allow it; undefined when they do not. */
export async function autoTopUp(money: MoneyIn, walletId: bigint): Promise<TopUp | undefined> {
  const { store } = money;
  const nowMs = money.now();
  const look = await judge(money, walletId, nowMs);
  if (look === undefined) return undefined;
  const { figures, verdict } = look;
  if (verdict.do !== 'charge') {
    await holdBack(money, figures, verdict, nowMs);
    return undefined;
  }
  const { customer } = figures;
  if (customer === null || customer.paymentMethod === null) return undefined;
  const { tenant, account, currency } = figures.policy;
  // The balance that asked for it is part of the name: the same look never begins two top-ups.
  const requestKey = `auto/${walletId}/${nowMs}`;
  const topUp = await store.topUps.insert(
    {
      topupId: derivedId('top', [tenant, 'auto', requestKey]),
      tenant,
      account,
      walletId,
      currency,
      kind: 'auto',
      amountNanos: verdict.amountNanos,
      status: 'pending',
      customer: customer.customer,
      paymentMethod: customer.paymentMethod,
      isFlagged: await isBeforeRadar(money, customer.customer),
      nextTryAtMs: nowMs,
      requestKey,
      requestHash: requestHash({ do: 'auto', wallet: walletId.toString(), amount: verdict.amountNanos.toString() }),
      actor: ACTOR,
    },
    nowMs,
  );
  // Another process was first.
  if (topUp === undefined) return undefined;
  // Figures were read before the row stood: with it in place nobody else can charge, so what they say now is final.
  const again = await judge(money, walletId, nowMs, topUp.topupId);
  if (again?.verdict.do !== 'charge') {
    await store.topUps.advance(topUp.topupId, nowMs, () => ({
      status: 'canceled',
      note: 'no longer needed',
      nextTryAtMs: null,
    }));
    return undefined;
  }
  return chargeAttempt(money, topUp);
}

interface Look {
  readonly figures: AutoTopUpFigures;
  readonly verdict: AutoTopUpVerdict;
}

async function judge(money: MoneyIn, walletId: bigint, nowMs: number, own?: string): Promise<Look | undefined> {
  const { store } = money;
  const read = await store.auto.figures(walletId, nowMs - DAY_MS - DAY_MS);
  if (read === undefined || !read.policy.isOn) return undefined;
  const figures = own === undefined ? read : withoutOwn(read);
  const { policy, availableNanos, isFrozen, isInFlight, customer, recent } = figures;
  if (nanosToMinor(policy.amountNanos, policy.currency) === undefined) return undefined;
  const verdict = judgeAutoTopUp(
    policy,
    {
      availableNanos,
      isFrozen,
      isInFlight,
      recent,
      hasCard: customer?.paymentMethod != null,
      pausedUntilMs: policy.pausedUntilMs,
      stoppedBecause: policy.stoppedBecause,
      currency: policy.currency,
    },
    nowMs,
  );
  return { figures, verdict };
}

/** The figures as they would be without the top-up that is being begun: it is the newest and in flight. */
function withoutOwn(figures: AutoTopUpFigures): AutoTopUpFigures {
  const newest = Math.max(...figures.recent.map(({ atMs }) => atMs));
  const at = figures.recent.findIndex(({ atMs }) => atMs === newest);
  return { ...figures, isInFlight: false, recent: figures.recent.filter((_, index) => index !== at) };
}

async function holdBack(
  money: MoneyIn,
  figures: AutoTopUpFigures,
  verdict: AutoTopUpVerdict,
  nowMs: number,
): Promise<void> {
  const { store } = money;
  const { walletId, tenant, account } = figures.policy;
  if (verdict.do === 'pause') await store.auto.pause(walletId, verdict.untilMs, nowMs);
  if (verdict.do !== 'alarm') return;
  const subject = `${walletId}-${nowMs}`;
  const title = `Automatic top-ups of ${account} are stopped: ${verdict.because}. Look at what it spends, then resume them.`;
  const detail = { topups: figures.recent.length };
  await store.auto.stop(walletId, { kind: 'alarm', because: verdict.because }, nowMs);
  await store.openCase({ kind: 'topup_burst', subject, title, tenant, account, detail }, nowMs);
  const signal = { key: `topup_burst-${subject}`, tenant, account, kind: 'topup_burst', subject, paymentIntent: null };
  await store.signal({ ...signal, atMs: nowMs, detail });
}
