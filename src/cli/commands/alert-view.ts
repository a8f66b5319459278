import { formatWalletId } from '../../domain/ids.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import type { AlertView } from '../../pipeline/queries/queries.ts';
import { moneyFields, timeField } from '../output/json.ts';
import { type Column, table } from '../output/table.ts';
import { inWords, time } from '../output/words.ts';

/** An alert as every command's JSON has it. */
export function alertJson(alert: AlertView) {
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
    ...moneyFields('moneyAtRisk', alert.moneyAtRisk),
    ...moneyFields('loss', alert.loss),
    raisedAt: timeField(alert.raisedAtMs),
    closedAt: timeField(alert.closedAtMs),
    closedBy: alert.closedBy,
  };
}

const COLUMNS: readonly Column<AlertView>[] = [
  { head: 'ALERT', cell: ({ alertId }) => alertId },
  { head: 'RAISED', cell: ({ raisedAtMs }) => time(raisedAtMs) },
  { head: 'ACCOUNT', columnsMax: 32, cell: ({ account }) => account },
  { head: 'OUTCOME', cell: ({ outcome }) => outcome },
  { head: 'AT RISK', align: 'right', cell: ({ moneyAtRisk, currency }) => formatMoney(moneyAtRisk, currency) },
  { head: 'LOST', align: 'right', cell: ({ loss, currency }) => formatMoney(loss, currency) },
  { head: 'STATUS', cell: ({ status }) => inWords(status) },
];

/** Alerts as a table. */
export function alertTable(alerts: readonly AlertView[]): string {
  return table(COLUMNS, alerts);
}
