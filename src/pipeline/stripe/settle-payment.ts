import { nanosToMinor } from '../../domain/money/minor-units.ts';
import { isOurRule } from '../../domain/payments/authorised-money.ts';
import { type Movement, movementsOf } from '../../domain/payments/movements.ts';
import type { Payment } from '../../domain/payments/payment.ts';
import { tiePayment } from '../../domain/payments/tie-payment.ts';
import { HOUR_MS } from '../../domain/time.ts';
import { classifyDecline, declineWord } from '../../domain/topups/decline.ts';
import type { TopUp, TopUpPatch } from '../../domain/topups/top-up.ts';
import { isEnded, statusOfPayment } from '../../domain/topups/top-up-status.ts';
import { AppError } from '../../errors.ts';
import { adjust } from '../admin/adjust.ts';
import { topUp as creditWallet } from '../admin/top-up.ts';
import { afterAutoDecline } from './after-decline.ts';
import { decideAuthorised } from './decide-authorised.ts';
import { type MoneyIn, STRIPE_ACTOR } from './money-in.ts';
import { reactToPayment } from './react-to-payment.ts';

/** What became of a payment that was looked at. */
export type Settled =
  | { readonly is: 'settled'; readonly topUp: TopUp; readonly posted: readonly Movement[] }
  | { readonly is: 'ignored'; readonly because: string }
  /** Kept with a case: a person decides. */
  | { readonly is: 'kept'; readonly because: string };

/** Errors that repeating cannot mend: the wallet does not take the money as things are. */
const KEPT_CODES: ReadonlySet<string> = new Set([
  'WALLET_STATE',
  'WALLET_NOT_FOUND',
  'ACCOUNT_INVALID',
  'AMOUNT_INVALID',
  'IDEMPOTENCY_CONFLICT',
]);

/**
 * Fetches a payment and brings books and top-up to what Stripe has now. Everything that follows is derived from the
 * fetched payment, so it makes no difference which event led here, how often, or in which order. One process at a time
 * works on a payment: what an older look found must not be written after a newer one.
 */
export function settlePayment(money: MoneyIn, paymentIntent: string): Promise<Settled> {
  return money.store.alone(`payment ${paymentIntent}`, async () => {
    const payment = await money.stripe.payment(paymentIntent);
    const settled = await settleFetched(money, payment);
    if (settled.is !== 'settled' || payment.status !== 'requires_capture') return settled;
    // A capture or a cancellation makes it another payment, and its event may be long in coming.
    const isDecided = await decideAuthorised(money, settled.topUp, payment);
    return isDecided ? settleFetched(money, await money.stripe.payment(paymentIntent)) : settled;
  });
}

async function settleFetched(money: MoneyIn, payment: Payment): Promise<Settled> {
  const { store } = money;
  const nowMs = money.now();
  const known =
    (payment.topupId === null ? undefined : await store.topUps.read(payment.topupId)) ??
    (await store.topUps.byPayment(payment.id));
  const customer = payment.customer === null ? undefined : await store.customers.byId(payment.customer);
  const tie = tiePayment(payment, known === undefined ? undefined : tiedTo(known), customer !== undefined);
  if (tie.is === 'foreign') return { is: 'ignored', because: tie.because };
  const owner = { tenant: (known ?? customer)?.tenant ?? null, account: (known ?? customer)?.account ?? null };
  const detail = { payment: payment.id, currency: payment.currency, receivedMinor: payment.receivedMinor.toString() };
  if (tie.is === 'doubtful' || known === undefined) {
    if (tie.is !== 'doubtful') throw new Error('a payment is tied to a top-up');
    await store.openCase({ ...tie.note, ...owner, detail }, nowMs);
    return { is: 'kept', because: tie.note.title };
  }
  for (const note of tie.notes) await store.openCase({ ...note, ...owner, detail }, nowMs);

  const movements = await plannedMovements(store, payment);
  await stopIfMoneyLeaves(money, known, movements.fresh, nowMs);
  const posted = await postMovements(money, known, movements);
  if (posted.is === 'kept') {
    await store.openCase({ kind: 'not_posted', subject: payment.id, title: posted.because, ...owner, detail }, nowMs);
    return posted;
  }
  if (known.status !== 'paid' && payment.status === 'succeeded') await welcome(money, known, payment, nowMs);
  const topUp = await advanceTopUp(money, known, payment, posted.all, nowMs);
  if (topUp.status === 'declined') await afterAutoDecline(money, topUp, payment.decline, nowMs);
  if (topUp.kind === 'auto' && topUp.status === 'canceled' && known.status !== 'canceled') {
    // Whoever refused it does not want to see the next one a moment later.
    await store.auto.stop(topUp.walletId, { kind: 'alarm', because: 'a top-up was refused' }, nowMs);
  }
  await reactToPayment(money, topUp, payment);
  return { is: 'settled', topUp, posted: posted.fresh };
}

function tiedTo(topUp: TopUp) {
  return {
    currency: topUp.currency,
    customer: topUp.customer,
    paymentIntent: topUp.paymentIntent,
    isPaid: topUp.status === 'paid',
    amountMinor: nanosToMinor(topUp.amountNanos, topUp.currency) ?? 0n,
  };
}

type Posting =
  | { readonly is: 'posted'; readonly all: readonly Movement[]; readonly fresh: readonly Movement[] }
  | { readonly is: 'kept'; readonly because: string };

/** Posts what is not posted yet. The ledger's own keys make each movement happen once, whatever else happens here. */
async function postMovements(money: MoneyIn, topUp: TopUp, { all, fresh }: Planned): Promise<Posting> {
  for (const movement of fresh) {
    try {
      await post(money, topUp, movement);
    } catch (error) {
      if (!(error instanceof AppError) || !KEPT_CODES.has(error.code)) throw error;
      return { is: 'kept', because: `${movement.reason} cannot be posted: ${error.message}` };
    }
  }
  return { is: 'posted', all, fresh };
}

interface Planned {
  readonly all: readonly Movement[];
  /** Not posted yet. */
  readonly fresh: readonly Movement[];
}

async function plannedMovements(store: MoneyIn['store'], payment: Payment): Promise<Planned> {
  const everything = [...movementsOf(payment, new Set()), ...movementsOf(payment, ALL_POSTED)];
  const posted = await store.postedKeys([...new Set(everything.map(({ key }) => key))]);
  const all = movementsOf(payment, posted);
  return { all, fresh: all.filter(({ key }) => !posted.has(key)) };
}

/**
 * Money that goes back to the card must not be taken from it again by itself because the balance is low now. Done before
 * the money is posted: a crash in between repeats it.
 */
async function stopIfMoneyLeaves(
  { store }: MoneyIn,
  topUp: TopUp,
  fresh: readonly Movement[],
  nowMs: number,
): Promise<void> {
  const leaving = fresh.find(({ kind }) => kind === 'refund' || kind === 'dispute');
  if (leaving === undefined) return;
  const because = leaving.kind === 'refund' ? 'a top-up was refunded' : 'a top-up is disputed';
  await store.auto.stop(topUp.walletId, { kind: 'alarm', because }, nowMs);
}

/** Asks for every movement there could be. */
const ALL_POSTED = { has: () => true } as unknown as ReadonlySet<string>;

async function post(money: MoneyIn, topUp: TopUp, movement: Movement): Promise<void> {
  const { tenant, account, currency } = topUp;
  const { key, kind, amountNanos: amount, reason } = movement;
  const nowMs = money.now();
  const overdraftNanos = money.overdraftNanos();
  const common = { key, actor: STRIPE_ACTOR, reason, nowMs, dryRun: false, overdraftNanos, amount };
  if (kind === 'topup') {
    await creditWallet(money.admin, { ...common, tenant, account, currency, source: 'paid' });
    return;
  }
  const wallet = { tenant, name: account, currency };
  const done = await adjust(money.admin, { ...common, wallet, kind, isOutside: true });
  if (kind === 'refund' && done.balance < 0n && done.balanceBefore >= 0n) {
    const title = `Refund ${movement.subject} took more than ${account} had left; the wallet is below zero.`;
    const detail = { payment: topUp.paymentIntent };
    await money.store.openCase(
      { kind: 'refund_below_zero', subject: movement.subject, title, tenant, account, detail },
      nowMs,
    );
  }
}

/** How soon a top-up whose end is still open is looked at without an event. */
const LOOK_AGAIN_MS = HOUR_MS;

async function advanceTopUp(
  { store }: MoneyIn,
  known: TopUp,
  payment: Payment,
  movements: readonly Movement[],
  nowMs: number,
): Promise<TopUp> {
  const after = await store.topUps.advance(known.topupId, nowMs, (topUp) => {
    const isCurrent = topUp.paymentIntent === null || topUp.paymentIntent === payment.id;
    // An attempt that was given up may still succeed, and then it is the one that paid; its failures say nothing more.
    if (topUp.paymentIntent === null && payment.status === 'canceled') return undefined;
    if (!isCurrent && (payment.status !== 'succeeded' || topUp.status === 'paid')) return undefined;
    const isCredited = movements.some(({ kind }) => kind === 'topup');
    const status =
      payment.status === 'succeeded' && !isCredited ? waitingStatus(topUp) : statusOfPayment(topUp, payment);
    const decline = payment.status === 'succeeded' ? null : payment.decline;
    const patch: TopUpPatch = {
      status,
      paymentIntent: payment.id,
      customer: payment.customer ?? topUp.customer,
      paymentMethod: payment.paymentMethod ?? topUp.paymentMethod,
      reviewId: payment.review?.id ?? topUp.reviewId,
      isReviewedByRule: topUp.isReviewedByRule || isOurRule(payment.review?.rule ?? null),
      captureBeforeMs: payment.captureBeforeMs ?? topUp.captureBeforeMs,
      declineCode: decline === null ? topUp.declineCode : declineWord(decline),
      declineClass: decline === null ? topUp.declineClass : classifyDecline(decline),
      creditedNanos: sum(movements, ['topup']),
      refundedNanos: sumRefunds(movements),
      disputedNanos: sumDisputes(movements),
      nextTryAtMs: isEnded(status) ? null : nowMs + LOOK_AGAIN_MS,
      ...(status === 'paid' ? { url: null, urlExpiresAtMs: null } : {}),
    };
    return patch;
  });
  return after ?? known;
}

/** What the first look at money that arrived changes: the card it came from, and the count of declines. */
async function welcome({ store }: MoneyIn, topUp: TopUp, payment: Payment, nowMs: number): Promise<void> {
  const { savesCard, customer, paymentMethod } = payment;
  if (savesCard && customer !== null && paymentMethod !== null) {
    await store.customers.saveCard(customer, paymentMethod, nowMs);
  }
  if (topUp.kind === 'auto' || savesCard) await store.auto.clearDeclines(topUp.walletId, nowMs);
}

/** Charged, and Radar's review is open: the money is Stripe's word away from the wallet. */
function waitingStatus({ status }: TopUp): TopUp['status'] {
  return status === 'paid' ? 'paid' : 'in_review';
}

function sum(movements: readonly Movement[], kinds: readonly Movement['kind'][]): bigint {
  return movements.reduce((total, { kind, amountNanos }) => (kinds.includes(kind) ? total + amountNanos : total), 0n);
}

/** Of refunds: what left, less what came back because a refund failed. */
function sumRefunds(movements: readonly Movement[]): bigint {
  const refunds = movements.filter(({ subject, kind }) => kind === 'refund' || isRefund(movements, subject));
  return sum(refunds, ['refund']) - sum(refunds, ['reinstate']);
}

function sumDisputes(movements: readonly Movement[]): bigint {
  const disputes = movements.filter(({ subject, kind }) => kind !== 'topup' && !isRefund(movements, subject));
  return sum(disputes, ['dispute']) - sum(disputes, ['reinstate']);
}

function isRefund(movements: readonly Movement[], subject: string): boolean {
  return movements.some((other) => other.subject === subject && other.kind === 'refund');
}
