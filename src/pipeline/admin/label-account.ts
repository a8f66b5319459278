import { z } from 'zod';
import { formatWalletId } from '../../domain/ids.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { DAY_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { AlertCase, CaseStore, CaseTransaction } from './case-store.ts';
import { answeredBefore, requestHash } from './request.ts';

/** How somebody came to know: a person looked, or a payment turned out one way or the other. */
export const LABEL_CAUSES = ['review', 'dispute', 'dispute_won', 'early_fraud_warning', 'unpaid_top_up'] as const;
export type LabelCause = (typeof LABEL_CAUSES)[number];

export const LABELS = ['confirmed_fraud', 'benign'] as const;
export type Label = (typeof LABELS)[number];

/** Something that became known about an account. */
export interface LabelAccountRequest {
  readonly tenant: string;
  readonly account: string;
  readonly label: Label;
  readonly cause: LabelCause;
  /** When what it is about began: the disputed payment, not the day the dispute came in. */
  readonly atMs: number;
  /** When it ended, where that is known. */
  readonly untilMs?: number;
  /** What was lost in all, in nano-units of the account's currency. */
  readonly lossNanos?: bigint;
  readonly note?: string;
  /** The same label sent again under it changes nothing. */
  readonly idempotencyKey: string;
  readonly actor: string;
  readonly nowMs: number;
  readonly dryRun: boolean;
}

const answerSchema = z.object({
  account: z.string(),
  /** Alerts closed with the label. */
  closed: z.array(z.string()),
  /** Other alerts of the same incidents, closed as duplicates. */
  duplicates: z.array(z.string()),
  /** Alerts that a person has closed the other way; their verdicts stand until a person changes them. */
  contradicted: z.array(z.string()),
});

/** What a label did. Nothing is stored for an account nobody has seen. */
export type LabelAccountResult =
  | ({ readonly status: 'labelled'; readonly isRepeated: boolean } & z.infer<typeof answerSchema>)
  | { readonly status: 'unknown_account'; readonly account: string };

/** Alerts so far apart are of one incident, and so long before the beginning they can still be about it. */
const INCIDENT_MS = DAY_MS;

/**
 * The one door for what becomes known about an account, soon or after months: it is kept for scorecards and backtests, closes
 * the open alerts it is about as a person would have (baselines and the chance of abuse learn from that), and is part of the
 * books. A review is about a day around it, a payment about everything that was used since.
 */
export async function labelAccount(store: CaseStore, request: LabelAccountRequest): Promise<LabelAccountResult> {
  const { tenant, account, nowMs, dryRun } = request;
  checkTimes(request);
  const found = await store.findWallets({ tenant, name: account });
  // A name may look like another wallet's id.
  const wallets = found.filter((wallet) => wallet.account === account);
  const [first, ...others] = wallets;
  if (first === undefined) return { status: 'unknown_account', account };
  const answers = [await inWallet(first, request.idempotencyKey)];
  for (const wallet of others) answers.push(await inWallet(wallet, `${request.idempotencyKey}#${wallet.currency}`));
  return {
    status: 'labelled',
    account,
    isRepeated: answers.every(({ isRepeated }) => isRepeated),
    closed: answers.flatMap(({ closed }) => closed),
    duplicates: answers.flatMap(({ duplicates }) => duplicates),
    contradicted: answers.flatMap(({ contradicted }) => contradicted),
  };

  function inWallet(wallet: WalletHead, key: string) {
    const { walletId, shard } = wallet;
    return store.transact({ walletId, shard, nowMs, dryRun }, (transaction) =>
      labelInBooks(transaction, request, { key, isFirst: wallet === first }),
    );
  }
}

function checkTimes({ atMs, untilMs, nowMs }: LabelAccountRequest): void {
  if (untilMs !== undefined && untilMs < atMs) {
    throw new AppError('LABELS_INVALID', 'A label cannot end before it begins.', { fix: 'Exchange the two times.' });
  }
  if (atMs > nowMs + DAY_MS) {
    const fix = 'Give the time that what happened began.';
    throw new AppError('LABELS_INVALID', 'A label cannot be about the future.', { fix });
  }
}

async function labelInBooks(
  transaction: CaseTransaction,
  request: LabelAccountRequest,
  { key, isFirst }: { readonly key: string; readonly isFirst: boolean },
): Promise<z.infer<typeof answerSchema> & { readonly isRepeated: boolean }> {
  const { tenant, account, label, cause, atMs, untilMs, lossNanos, note, actor } = request;
  const hash = requestHash({
    do: 'label-account',
    ...{ tenant, account, label, cause, at: atMs, until: untilMs ?? null, loss: lossNanos?.toString() ?? null },
  });
  const known = await answeredBefore(transaction, { key, hash }, answerSchema);
  if (known !== undefined) return { ...known, isRepeated: true };
  const wallet = await transaction.wallet();
  if (wallet === undefined) throw new AppError('WALLET_NOT_FOUND', `${account} has no wallet.`);
  const { cases, atMs: nowMs } = transaction;
  if (isFirst) {
    const stored = { tenant, account, label, cause, key, by: actor };
    await cases.label({ ...stored, fromMs: atMs, untilMs, lossNanos, note });
  }
  const toMs = untilMs === undefined ? (cause === 'review' ? atMs + INCIDENT_MS : nowMs) : untilMs + INCIDENT_MS;
  const about = await cases.raisedBetween(atMs - INCIDENT_MS, toMs);
  const incidents = incidentsOf(about.filter(({ status }) => status === 'open'));
  const reason = note ?? cause.replaceAll('_', ' ');
  for (const incident of incidents) await closeIncident(cases, incident, { label, actor, reason, nowMs });
  const closed = incidents.map(({ first }) => first.alertId);
  const duplicates = incidents.flatMap(({ others }) => others.map(({ alertId }) => alertId));
  const opposite = label === 'benign' ? 'confirmed_fraud' : 'benign';
  const contradicted = about.filter(({ status }) => status === opposite).map(({ alertId }) => alertId);
  const told = { cause, label, at: atMs, closed, duplicates, contradicted, wallet: formatWalletId(wallet.walletId) };
  await transaction.write({
    kind: 'label',
    wallet,
    entries: [],
    contra: [],
    grant: undefined,
    burns: [],
    events: 0,
    priced: 0n,
    actor,
    reason,
    request: { key, hash },
    outbox: [],
    detail: { key, ...told },
  });
  const result = { account, closed, duplicates, contradicted };
  await transaction.remember({ key, hash, result });
  return { ...result, isRepeated: false };
}

interface OpenIncident {
  readonly first: AlertCase;
  readonly others: AlertCase[];
  lastMs: number;
}

/** Alerts in the order they were raised, cut where a day passes without one. */
function incidentsOf(alerts: readonly AlertCase[]): readonly OpenIncident[] {
  const incidents: OpenIncident[] = [];
  for (const alert of alerts) {
    const open = incidents.at(-1);
    if (open === undefined || alert.raisedAtMs - open.lastMs > INCIDENT_MS) {
      incidents.push({ first: alert, others: [], lastMs: alert.raisedAtMs });
    } else {
      open.others.push(alert);
      open.lastMs = alert.raisedAtMs;
    }
  }
  return incidents;
}

async function closeIncident(
  cases: CaseTransaction['cases'],
  { first, others, lastMs }: OpenIncident,
  verdict: { readonly label: Label; readonly actor: string; readonly reason: string; readonly nowMs: number },
): Promise<void> {
  const { label, actor, reason, nowMs } = verdict;
  const { alertId } = first;
  await cases.close(alertId, label, actor, reason);
  for (const other of others) await cases.close(other.alertId, 'duplicate', actor, `same incident as ${alertId}`);
  // Later incidents have verdicts of their own, so only this one's hours are taught.
  const toMs = Math.max(first.raisedAtMs, Math.min(nowMs, lastMs + INCIDENT_MS));
  await cases.teach({ alertId, verdict: label, fromMs: first.raisedAtMs - first.windowMs, toMs, by: actor });
}
