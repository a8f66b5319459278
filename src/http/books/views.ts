import { z } from 'zod';
import { formatWalletId } from '../../domain/ids.ts';
import { HOLD_STATES } from '../../domain/ledger/hold.ts';
import { roomAt } from '../../domain/ledger/throttle.ts';
import { availableNanos, OVERDRAFT_UNLIMITED, type WalletHead } from '../../domain/ledger/wallet.ts';
import { formatDecimal, lesser } from '../../domain/money/nanos.ts';
import { formatIso } from '../../domain/time.ts';
import type { UsageTotal } from '../../pipeline/admin/admin-store.ts';
import type { walletResultSchema } from '../../pipeline/admin/results.ts';
import {
  ACCOUNT_STATUSES,
  type AccountView,
  ALERT_STATUSES,
  type AlertView,
  type HoldListed,
} from '../../pipeline/queries/queries.ts';

export const moneySchema = z.string().describe('Exact decimal in major units.');
const time = z.string().describe('RFC 3339, UTC.');
const walletStatus = z.enum(['active', 'frozen', 'thawing']);

export const walletSchema = z
  .object({
    wallet: z.string(),
    tenant: z.string(),
    account: z.string(),
    currency: z.string(),
    status: walletStatus,
    frozenAt: time.nullable(),
    frozenUntil: time.nullable(),
    frozenBy: z.string().nullable(),
    posted: moneySchema,
    held: moneySchema,
    available: moneySchema.describe('posted − held; nothing while it is frozen.'),
    overdraftLimit: moneySchema
      .nullable()
      .describe('How far below zero usage may go; null for the default of the rules.'),
    spendLimit: z.object({ limit: moneySchema, periodMs: z.number(), spent: moneySchema }).nullable(),
    quarantined: moneySchema,
    quarantinedEvents: z.int(),
    sequence: z.string(),
    openedAt: time.nullable(),
  })
  .meta({ id: 'Wallet' });

/** A wallet. */
export function walletView(wallet: WalletHead): z.infer<typeof walletSchema> {
  const { throttle } = wallet;
  return {
    wallet: formatWalletId(wallet.walletId),
    tenant: wallet.tenant,
    account: wallet.account,
    currency: wallet.currency,
    status: wallet.status,
    frozenAt: isoOf(wallet.frozenAtMs),
    frozenUntil: isoOf(wallet.frozenUntilMs),
    frozenBy: wallet.frozenBy,
    posted: formatDecimal(wallet.posted),
    held: formatDecimal(wallet.held),
    available: formatDecimal(availableNanos(wallet)),
    overdraftLimit: wallet.overdraftLimit === null ? null : formatDecimal(wallet.overdraftLimit),
    spendLimit:
      throttle === null
        ? null
        : { limit: formatDecimal(throttle.limit), periodMs: throttle.periodMs, spent: formatDecimal(throttle.spent) },
    quarantined: formatDecimal(wallet.quarantined),
    quarantinedEvents: wallet.quarantinedEvents,
    sequence: wallet.seq.toString(),
    openedAt: isoOf(wallet.openedAtMs),
  };
}

export const spendableSchema = z
  .object({
    wallet: z.string(),
    account: z.string(),
    currency: z.string(),
    status: walletStatus,
    frozenUntil: time.nullable(),
    spendable: moneySchema
      .nullable()
      .describe('What may be held or charged now; nothing while frozen, null when unlimited.'),
    available: moneySchema,
    statusSequence: z.int().describe('Counts status changes, as in the messages of the queue wallet-status.'),
    sequence: z.string(),
  })
  .meta({ id: 'Spendable' });

/** What a wallet may spend now: its money, the overdraft limit, and what is left of its period. */
export function spendableView(
  wallet: WalletHead,
  { overdraftNanos, nowMs }: { readonly overdraftNanos: bigint; readonly nowMs: number },
): z.infer<typeof spendableSchema> {
  return {
    wallet: formatWalletId(wallet.walletId),
    account: wallet.account,
    currency: wallet.currency,
    status: wallet.status,
    frozenUntil: isoOf(wallet.frozenUntilMs),
    spendable: spendable(wallet, overdraftNanos, nowMs),
    available: formatDecimal(availableNanos(wallet)),
    statusSequence: wallet.statusSequence,
    sequence: wallet.seq.toString(),
  };
}

function spendable(wallet: WalletHead, overdraftNanos: bigint, nowMs: number): string | null {
  if (wallet.status !== 'active') return '0';
  const limit = wallet.overdraftLimit ?? overdraftNanos;
  const room = wallet.throttle === null ? undefined : roomAt(wallet.throttle, nowMs);
  if (limit >= OVERDRAFT_UNLIMITED) return room === undefined ? null : notNegative(room);
  const left = wallet.posted - wallet.held + limit;
  return notNegative(room === undefined ? left : lesser(left, room));
}

function notNegative(nanos: bigint): string {
  return nanos < 0n ? '0' : formatDecimal(nanos);
}

export const accountSchema = z
  .object({
    account: z.string(),
    tenant: z.string(),
    status: z.enum(ACCOUNT_STATUSES),
    openedAt: time,
    openAlerts: z.int(),
    wallets: z.array(walletSchema),
  })
  .meta({ id: 'Account' });

export function accountView(account: AccountView): z.infer<typeof accountSchema> {
  return {
    account: account.account,
    tenant: account.tenant,
    status: account.status,
    openedAt: formatIso(account.openedAtMs),
    openAlerts: account.openAlerts,
    wallets: account.wallets.map(walletView),
  };
}

export const alertSchema = z
  .object({
    alert: z.string(),
    decision: z.string(),
    tenant: z.string(),
    account: z.string(),
    wallet: z.string(),
    currency: z.string(),
    outcome: z.string(),
    status: z.enum(ALERT_STATUSES),
    title: z.string(),
    summary: z.string(),
    moneyAtRisk: moneySchema,
    loss: moneySchema,
    raisedAt: time,
    closedAt: time.nullable(),
    closedBy: z.string().nullable(),
  })
  .meta({ id: 'Alert' });

export function alertView(alert: AlertView): z.infer<typeof alertSchema> {
  return {
    alert: alert.alertId,
    decision: alert.decisionId,
    tenant: alert.tenant,
    account: alert.account,
    wallet: formatWalletId(alert.walletId),
    currency: alert.currency,
    outcome: alert.outcome,
    status: alert.status,
    title: alert.title,
    summary: alert.summary,
    moneyAtRisk: formatDecimal(alert.moneyAtRisk),
    loss: formatDecimal(alert.loss),
    raisedAt: formatIso(alert.raisedAtMs),
    closedAt: isoOf(alert.closedAtMs),
    closedBy: alert.closedBy,
  };
}

export const holdSchema = z
  .object({
    hold: z.string(),
    tenant: z.string(),
    account: z.string(),
    wallet: z.string(),
    currency: z.string(),
    state: z.enum(HOLD_STATES),
    amount: moneySchema,
    captureMax: moneySchema,
    captured: moneySchema,
    placedAt: time,
    expiresAt: time,
    closedAt: time.nullable(),
  })
  .meta({ id: 'Hold' });

export function holdListView(hold: HoldListed): z.infer<typeof holdSchema> {
  return {
    hold: hold.holdId,
    tenant: hold.tenant,
    account: hold.account,
    wallet: formatWalletId(hold.walletId),
    currency: hold.currency,
    state: hold.state,
    amount: formatDecimal(hold.amount),
    captureMax: formatDecimal(hold.captureMax),
    captured: formatDecimal(hold.captured),
    placedAt: formatIso(hold.placedAtMs),
    expiresAt: formatIso(hold.expiresAtMs),
    closedAt: isoOf(hold.closedAtMs),
  };
}

/** The part of an answer that every change of a wallet has. */
export const changeSchema = z.object({
  wallet: z.string(),
  tenant: z.string(),
  account: z.string(),
  currency: z.string(),
  status: walletStatus,
  balance: moneySchema,
  sequence: z.string(),
  at: time,
  dryRun: z.boolean().describe('Everything was done and rolled back.'),
  repeated: z.boolean().describe('The request had been carried out before; this is its answer of then.'),
});

type WalletResult = z.infer<typeof walletResultSchema> & { readonly isRepeated: boolean };

export function changeView(result: WalletResult, dryRun: boolean): z.infer<typeof changeSchema> {
  return {
    wallet: result.wallet,
    tenant: result.tenant,
    account: result.account,
    currency: result.currency,
    status: result.status,
    balance: formatDecimal(result.balance),
    sequence: result.sequence.toString(),
    at: formatIso(result.atMs),
    dryRun,
    repeated: result.isRepeated,
  };
}

export const totalSchema = z.object({ events: z.int(), amount: moneySchema });

export function totalView({ events, amount }: UsageTotal): z.infer<typeof totalSchema> {
  return { events, amount: formatDecimal(amount) };
}

/** A time, or nothing. */
export function isoOf(ms: number | null): string | null {
  return ms === null ? null : formatIso(ms);
}
