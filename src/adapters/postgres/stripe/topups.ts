import type pg from 'pg';
import type { DeclineClass } from '../../../domain/topups/decline.ts';
import type { TopUp, TopUpPatch } from '../../../domain/topups/top-up.ts';
import type { TopUpKind, TopUpStatus } from '../../../domain/topups/top-up-status.ts';
import type { TopUpReads, TopUpTable } from '../../../pipeline/stripe/money-store.ts';
import { inTransaction, type Querier } from '../pool.ts';
import { isSqlState } from '../sql-state.ts';
import { at, ms, msOrNull } from './rows.ts';

interface TopUpRow {
  readonly topup_id: string;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly wallet_id: bigint;
  readonly currency: string;
  readonly kind: TopUpKind;
  readonly amount: bigint;
  readonly status: TopUpStatus;
  readonly attempt: number;
  readonly customer_id: string | null;
  readonly payment_method: string | null;
  readonly payment_intent: string | null;
  readonly checkout_session: string | null;
  readonly url: string | null;
  readonly url_expires_at: Date | null;
  readonly is_flagged: boolean;
  readonly review_id: string | null;
  readonly is_reviewed_by_rule: boolean;
  readonly capture_before: Date | null;
  readonly decline_code: string | null;
  readonly decline_class: DeclineClass | null;
  readonly note: string | null;
  readonly credited: bigint;
  readonly refunded: bigint;
  readonly disputed: bigint;
  readonly next_try_at: Date | null;
  readonly tries: number;
  readonly request_key: string;
  readonly request_hash: string;
  readonly actor: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Columns that change, with the value a patch has for each. */
const PATCHED: readonly (readonly [string, (topUp: TopUp) => unknown])[] = [
  ['status', ({ status }) => status],
  ['attempt', ({ attempt }) => attempt],
  ['customer_id', ({ customer }) => customer],
  ['payment_method', ({ paymentMethod }) => paymentMethod],
  ['payment_intent', ({ paymentIntent }) => paymentIntent],
  ['checkout_session', ({ checkoutSession }) => checkoutSession],
  ['url', ({ url }) => url],
  ['url_expires_at', ({ urlExpiresAtMs }) => at(urlExpiresAtMs)],
  ['is_flagged', ({ isFlagged }) => isFlagged],
  ['review_id', ({ reviewId }) => reviewId],
  ['is_reviewed_by_rule', ({ isReviewedByRule }) => isReviewedByRule],
  ['capture_before', ({ captureBeforeMs }) => at(captureBeforeMs)],
  ['decline_code', ({ declineCode }) => declineCode],
  ['decline_class', ({ declineClass }) => declineClass],
  ['note', ({ note }) => note],
  ['credited', ({ creditedNanos }) => creditedNanos],
  ['refunded', ({ refundedNanos }) => refundedNanos],
  ['disputed', ({ disputedNanos }) => disputedNanos],
  ['next_try_at', ({ nextTryAtMs }) => at(nextTryAtMs)],
  ['tries', ({ tries }) => tries],
];

/** Top-ups as requests look at them: also on a connection that sees one tenant alone. */
export function topUpReads(pool: Querier): TopUpReads {
  return {
    read: (topupId) => readWhere(pool, 'topup_id', topupId),
    async list({ tenant, account, status, limit }) {
      const { rows } = await pool.query<TopUpRow>(
        `select * from topup where tenant_id = $1 and ($2::text is null or account_id = $2) and ($3::text is null or status = $3)
         order by created_at desc, topup_id limit $4`,
        [tenant, account ?? null, status ?? null, limit],
      );
      return rows.map(readTopUp);
    },
  };
}

async function readWhere(pool: Querier, column: string, value: string): Promise<TopUp | undefined> {
  const { rows } = await pool.query<TopUpRow>(`select * from topup where ${column} = $1`, [value]);
  return rows[0] === undefined ? undefined : readTopUp(rows[0]);
}

/** Top-ups. */
export function topUpTable(pool: pg.Pool): TopUpTable {
  return {
    ...topUpReads(pool),
    async insert(topUp, nowMs) {
      try {
        const { rows } = await pool.query<TopUpRow>(
          `insert into topup (topup_id, tenant_id, account_id, wallet_id, currency, kind, amount, status, customer_id, payment_method,
             is_flagged, next_try_at, request_key, request_hash, actor, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)
           on conflict (request_key) do nothing returning *`,
          [
            topUp.topupId,
            topUp.tenant,
            topUp.account,
            topUp.walletId,
            topUp.currency,
            topUp.kind,
            topUp.amountNanos,
            topUp.status,
            topUp.customer ?? null,
            topUp.paymentMethod ?? null,
            topUp.isFlagged ?? false,
            at(topUp.nextTryAtMs ?? null),
            topUp.requestKey,
            topUp.requestHash,
            topUp.actor,
            at(nowMs),
          ],
        );
        return rows[0] === undefined ? undefined : readTopUp(rows[0]);
      } catch (error) {
        if (isSqlState(error, '23505')) return undefined;
        throw error;
      }
    },
    byRequest: (key) => readWhere(pool, 'request_key', key),
    byPayment: (paymentIntent) => readWhere(pool, 'payment_intent', paymentIntent),
    advance: (topupId, nowMs, change) => advance(pool, topupId, nowMs, change),
    async due(nowMs, limit) {
      const { rows } = await pool.query<TopUpRow>(
        `select * from topup
         where (status in ('pending', 'processing', 'in_review') and next_try_at <= $1)
           or (status = 'awaiting_customer' and coalesce(url_expires_at, next_try_at) <= $1)
         order by coalesce(next_try_at, url_expires_at) limit $2`,
        [at(nowMs), limit],
      );
      return rows.map(readTopUp);
    },
  };
}

async function advance(
  pool: pg.Pool,
  topupId: string,
  nowMs: number,
  change: (topUp: TopUp) => TopUpPatch | undefined,
): Promise<TopUp | undefined> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<TopUpRow>('select * from topup where topup_id = $1 for update', [topupId]);
    if (rows[0] === undefined) return undefined;
    const before = readTopUp(rows[0]);
    const patch = change(before);
    if (patch === undefined) return before;
    const after: TopUp = { ...before, ...patch, updatedAtMs: nowMs };
    const sets = PATCHED.map(([column], index) => `${column} = $${index + 3}`).join(', ');
    await client.query(`update topup set updated_at = $2, ${sets} where topup_id = $1`, [
      topupId,
      at(nowMs),
      ...PATCHED.map(([, value]) => value(after)),
    ]);
    return after;
  });
}

/** A stored row as the domain knows it. */
export function readTopUp(row: TopUpRow): TopUp {
  return {
    topupId: row.topup_id,
    tenant: row.tenant_id,
    account: row.account_id,
    walletId: row.wallet_id,
    currency: row.currency,
    kind: row.kind,
    amountNanos: row.amount,
    status: row.status,
    attempt: row.attempt,
    customer: row.customer_id,
    paymentMethod: row.payment_method,
    paymentIntent: row.payment_intent,
    checkoutSession: row.checkout_session,
    url: row.url,
    urlExpiresAtMs: msOrNull(row.url_expires_at),
    isFlagged: row.is_flagged,
    reviewId: row.review_id,
    isReviewedByRule: row.is_reviewed_by_rule,
    captureBeforeMs: msOrNull(row.capture_before),
    declineCode: row.decline_code,
    declineClass: row.decline_class,
    note: row.note,
    creditedNanos: row.credited,
    refundedNanos: row.refunded,
    disputedNanos: row.disputed,
    nextTryAtMs: msOrNull(row.next_try_at),
    tries: row.tries,
    requestKey: row.request_key,
    requestHash: row.request_hash,
    actor: row.actor,
    createdAtMs: ms(row.created_at),
    updatedAtMs: ms(row.updated_at),
  };
}
