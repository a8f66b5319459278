import { z } from 'zod';
import { formatWalletId } from '../../domain/ids.ts';
import { DAY_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import { ALERT_STATUSES } from '../queries/queries.ts';
import type { AlertCase, CaseStore, CaseTransaction, Verdict } from './case-store.ts';
import { walletOutcome } from './change-record.ts';
import { type AdminRequest, answeredBefore, requestHash } from './request.ts';
import { walletResultSchema } from './results.ts';
import { walletOf } from './wallet-of.ts';

export interface CloseAlertRequest extends AdminRequest {
  readonly tenant: string;
  readonly alertId: string;
  readonly verdict: Verdict;
  readonly reason: string;
}

/** What closing an alert did. */
export const closeAlertResultSchema = walletResultSchema.extend({
  alert: z.string(),
  title: z.string(),
  verdict: z.enum(['confirmed_fraud', 'benign', 'duplicate']),
  /** What had been said of it before. */
  before: z.enum(ALERT_STATUSES),
  /** Other open alerts of the same incident, closed as duplicates of this one. */
  duplicates: z.array(z.string()),
  /** The hours the account's baseline learns again; null when the verdict teaches none. */
  learns: z.object({ fromMs: z.number(), toMs: z.number() }).nullable(),
});
export type CloseAlertOutcome = z.infer<typeof closeAlertResultSchema>;

type Answer = CloseAlertOutcome & { readonly isRepeated: boolean };

/** Alerts of one wallet so far apart are of one incident: a re-alert tells the same story with larger numbers. */
const INCIDENT_MS = DAY_MS;

/**
 * Closes an alert with what a person found, and its incident's other open alerts as duplicates of it. `benign` lets the
 * baseline learn the hours that were kept out of it, or an honest step change would alarm for ever; `confirmed_fraud`
 * keeps them out and ends the incident, so that the next hit is news. A verdict can be changed later: the newest counts.
 */
export async function closeAlert(store: CaseStore, request: CloseAlertRequest): Promise<Answer> {
  const { tenant, alertId, nowMs, dryRun } = request;
  const known = await store.walletOfAlert(tenant, alertId);
  if (known === undefined) throw notFound(alertId);
  const { walletId, shard } = await walletOf(store, { tenant, name: formatWalletId(known) });
  return store.transact({ walletId, shard, nowMs, dryRun }, (transaction) => closeInBooks(transaction, request));
}

async function closeInBooks(transaction: CaseTransaction, request: CloseAlertRequest): Promise<Answer> {
  const { key, actor, alertId, verdict, reason } = request;
  const hash = requestHash({ do: 'close-alert', alert: alertId, verdict, reason });
  const known = await answeredBefore(transaction, { key, hash }, closeAlertResultSchema);
  if (known !== undefined) return { ...known, isRepeated: true };
  const { atMs, cases } = transaction;
  const alert = await cases.read(alertId);
  const wallet = await transaction.wallet();
  if (alert === undefined || wallet === undefined) throw notFound(alertId);
  if (alert.status === verdict) {
    throw new AppError(
      'ALERT_CLOSED',
      `Alert ${alertId} is closed as ${verdict} already, by ${alert.closedBy ?? '?'}.`,
    );
  }

  await cases.close(alertId, verdict, actor, reason);
  const others = verdict === 'duplicate' ? [] : await sameIncident(cases, alert, atMs);
  for (const other of others) await cases.close(other.alertId, 'duplicate', actor, `same incident as ${alertId}`);
  const learns = verdict === 'duplicate' ? null : { fromMs: alert.raisedAtMs - alert.windowMs, toMs: atMs };
  if (verdict !== 'duplicate' && learns !== null) await cases.teach({ alertId, verdict, ...learns, by: actor });

  const duplicates = others.map((other) => other.alertId);
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
    detail: { key, alert: alertId, verdict, before: alert.status, duplicates },
  });
  const result: CloseAlertOutcome = {
    ...walletOutcome(wallet, atMs),
    alert: alertId,
    title: alert.title,
    verdict,
    before: alert.status,
    duplicates,
    learns: verdict === 'benign' ? learns : null,
  };
  await transaction.remember({ key, hash, result });
  return { ...result, isRepeated: false };
}

/** Open alerts raised near this one: closing the case once must be enough. */
async function sameIncident(
  cases: CaseTransaction['cases'],
  alert: AlertCase,
  atMs: number,
): Promise<readonly AlertCase[]> {
  const toMs = Math.min(atMs, alert.raisedAtMs + INCIDENT_MS);
  const near = await cases.openBetween(alert.raisedAtMs - INCIDENT_MS, toMs);
  return near.filter(({ alertId }) => alertId !== alert.alertId);
}

function notFound(alertId: string): AppError {
  return new AppError('ALERT_NOT_FOUND', `There is no alert ${JSON.stringify(alertId)}.`);
}
