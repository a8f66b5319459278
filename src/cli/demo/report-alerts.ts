import { cleanLabel, cleanText } from '../../domain/text/clean.ts';
import { formatUtc } from '../../domain/text/utc.ts';
import { wrapText } from '../../domain/text/wrap.ts';
import type { DemoAlert, DemoReport } from './demo-report.ts';
import type { Page } from './paint.ts';
import { count, counted, money, span, timeOf } from './report-values.ts';
import { FAMILY_WORDS, LOOK_ALIKE_WORDS } from './report-words.ts';

/** Alerts shown per account and in all; `--json` has every one. */
const ALERTS_PER_ACCOUNT_MAX = 3;
const ACCOUNTS_MAX = 16;
const INDENT = 15;

/** Every alert in plain words, by account: attacked accounts first, then those that were not attacked. */
export function renderAlerts(report: DemoReport, page: Page): string[] {
  if (report.alerts.length === 0) return ['None.'];
  const byAccount = new Map<string, DemoAlert[]>();
  for (const alert of report.alerts) {
    const known = byAccount.get(alert.account);
    if (known === undefined) byAccount.set(alert.account, [alert]);
    else known.push(alert);
  }
  const attacked = new Set(report.attacks.map(({ account }) => account));
  const accounts = [...byAccount].sort(([a], [b]) => Number(attacked.has(b)) - Number(attacked.has(a)));
  const honest = accounts.filter(([account]) => !attacked.has(account)).length;
  const raised = `${counted(report.alerts.length, 'alert')} on ${counted(accounts.length, 'account')}`;
  const lines = [
    report.knowsTruth
      ? `${raised}: ${count(accounts.length - honest)} attacked, ${count(honest)} honest.`
      : `${raised}.`,
  ];
  for (const [account, alerts] of accounts.slice(0, ACCOUNTS_MAX)) {
    lines.push('', ...renderAccount(account, alerts, report, page));
  }
  const more = accounts.length - ACCOUNTS_MAX;
  if (more > 0) lines.push('', `and ${counted(more, 'more account')}; --json lists them all.`);
  return lines;
}

function renderAccount(account: string, alerts: readonly DemoAlert[], report: DemoReport, page: Page): string[] {
  const { paint, columns } = page;
  const lines = [paint.bold(cleanLabel(account, 40))];
  for (const alert of alerts.slice(0, ALERTS_PER_ACCOUNT_MAX)) lines.push(...renderAlert(alert, report, page));
  const more = alerts.length - ALERTS_PER_ACCOUNT_MAX;
  if (more > 0) lines.push(`${''.padEnd(INDENT)}and ${count(more)} more`);
  const truth = wrapText(truthOf(account, alerts, report), columns - 2 - INDENT);
  return [...lines, ...truth.map((line) => `${' '.repeat(INDENT)}${paint.dim(line)}`)];
}

function renderAlert(alert: DemoAlert, { currency }: DemoReport, { paint, columns }: Page): string[] {
  const color = alert.outcome === 'freeze' ? paint.red : paint.yellow;
  const risk = `At risk ${money(alert.moneyAtRisk, currency)}.`;
  const body = wrapText(`${formatUtc(timeOf(alert.raisedAt))}. ${whatHappened(alert)} ${risk}`, columns - 2 - INDENT);
  return body.map((line, index) =>
    index === 0 ? `  ${color(alert.outcome.padEnd(INDENT - 2))}${line}` : `${' '.repeat(INDENT)}${line}`,
  );
}

/** The first paragraph of an alert's text says what happened against what is normal. */
function whatHappened({ summary }: DemoAlert): string {
  return (summary.split('\n\n')[0] ?? '').split('\n').map(cleanText).join(' ');
}

/** What the demo knows and no detector does; nothing about a file, of which the demo knows no more than they do. */
function truthOf(account: string, alerts: readonly DemoAlert[], report: DemoReport): string {
  if (!report.knowsTruth) return '';
  const attack = report.attacks.find((candidate) => candidate.account === account);
  if (attack !== undefined) {
    const startMs = timeOf(attack.startedAt);
    const first = alerts.find(({ raisedAt }) => timeOf(raisedAt) >= startMs);
    const begun = `In truth: ${FAMILY_WORDS[attack.family]} from ${formatUtc(startMs)}`;
    if (first === undefined) return `${begun}. These alerts came before it began and have nothing to do with it.`;
    return `${begun}, noticed after ${span(timeOf(first.raisedAt) - startMs)}.`;
  }
  const lookAlike = report.lookAlikes.find((candidate) => candidate.account === account);
  const why = lookAlike === undefined ? '' : `: ${LOOK_ALIKE_WORDS[lookAlike.kind]}`;
  return `In truth: this account was not attacked${why}; a person would close it as benign.`;
}
