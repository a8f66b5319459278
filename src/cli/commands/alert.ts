import type { Command } from 'commander';
import { formatValue } from '../../domain/decisions/alert-words.ts';
import { formatWindow } from '../../domain/rules/say.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import type { RuleEvidence } from '../../pipeline/queries/decision-evidence.ts';
import { ALERT_STATUSES, type AlertDetail } from '../../pipeline/queries/queries.ts';
import { reviewJson, reviewWords } from '../../pipeline/review/review-words.ts';
import type { MoneyStore } from '../../pipeline/stripe/money-store.ts';
import { type RadarOutcome, radarOutcome, radarWords } from '../../pipeline/stripe/radar.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, type ListOptions, oneOf, withCommon, withList } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts, table } from '../output/table.ts';
import { inWords, time, walletStatus } from '../output/words.ts';
import { withBooks } from '../with-books.ts';
import { registerClose } from './alert-close.ts';
import { registerPreview } from './alert-preview.ts';
import { alertJson, alertTable } from './alert-view.ts';
import { walletJson } from './wallet-view.ts';

/** `alert …` */
export function registerAlert(program: Command, context: CliContext): void {
  const alert = program.command('alert').description('what needs eyes, and the evidence behind it');
  registerList(alert, context);
  registerShow(alert, context);
  registerClose(alert, context);
  registerPreview(alert, context);
}

function registerList(alert: Command, context: CliContext): void {
  const command = alert.command('list').description('alerts, the newest first');
  withCommon(withList(command, ALERT_STATUSES), [
    'tollkeeper alert list --status open',
    'tollkeeper alert list --account acme --json',
  ]).action(async ({ json, tenant, account, status, limit }: ListOptions) => {
    const filter = { tenant, limit, ...(account === undefined ? {} : { account }) };
    const chosen = oneOf(ALERT_STATUSES, status);
    const alerts = await withBooks(context, ({ queries }) =>
      queries.alerts(chosen === undefined ? filter : { ...filter, status: chosen }),
    );
    print(context, json, {
      json: { alerts: alerts.map(alertJson), limit },
      text: alerts.length === 0 ? 'No alerts.' : alertTable(alerts),
    });
    if (alerts.length === limit && json !== true) context.output.note(`Only the first ${limit}; --limit shows more.`);
  });
}

function registerShow(alert: Command, context: CliContext): void {
  const command = alert
    .command('show')
    .description('one alert as support reads it, and what every rule saw')
    .argument('<id>', 'an alert id (alt_…)');
  withCommon(command, ['tollkeeper alert show alt_8k2m4q6r0t3v5x7z']).action(
    async (id: string, { json, tenant }: CommonOptions) => {
      const { detail, radar } = await withBooks(context, async ({ queries, money }) => {
        const found = await queries.alert(tenant, id);
        if (found === undefined) throw new AppError('ALERT_NOT_FOUND', `There is no alert ${JSON.stringify(id)}.`);
        return { detail: found, radar: await radarState(money, found) };
      });
      const { outcome, untilMs } = radar ?? {};
      print(context, json, {
        json: {
          ...detailJson(detail),
          radar: outcome === undefined ? null : { outcome, until: timeField(untilMs ?? null) },
        },
        text: detailText(detail, outcome),
      });
    },
  );
}

interface RadarState {
  readonly outcome: RadarOutcome;
  readonly untilMs: number | null;
}

/** What is known of the account and Radar; undefined when this alert asked for nothing and nobody else did either. */
async function radarState(money: MoneyStore, { alert, decision }: AlertDetail): Promise<RadarState | undefined> {
  const { tenant, account } = alert;
  const listing = await money.radar.ofAccount(tenant, account);
  if (listing !== undefined) return { outcome: radarOutcome(listing), untilMs: listing.untilMs };
  const asked = decision.evidence.radar;
  if (asked === undefined) return undefined;
  const customer = await money.customers.ofAccount(tenant, account);
  return { outcome: customer === undefined ? 'no_customer' : 'waiting', untilMs: asked.untilMs };
}

function detailJson({ alert, decision, wallet, review }: AlertDetail) {
  return {
    ...alertJson(alert),
    decision: {
      decision: decision.decisionId,
      outcome: decision.outcome,
      score: decision.score,
      ruleset: decision.rulesetHash,
      decidedAt: timeField(decision.decidedAtMs),
      lane: decision.lane,
      batch: decision.batchNo,
      evidence: decision.stored,
    },
    review: reviewJson(review),
    walletNow: wallet === undefined ? null : walletJson(wallet),
  };
}

function detailText({ alert, decision, wallet, review }: AlertDetail, radar: RadarOutcome | undefined): string {
  // The summary is several lines by design, so it is cleaned line by line.
  const summary = alert.summary.split('\n').map(cleanText).join('\n');
  const closed =
    alert.closedAtMs === null ? '' : ` on ${time(alert.closedAtMs)} by ${cleanText(alert.closedBy ?? '?')}`;
  const about = facts([
    ['Alert', `${alert.alertId}, ${inWords(alert.status)}${closed}`],
    ['Decision', `${decision.decisionId}: ${decision.outcome} with ${decision.score} points`],
    [
      'Not frozen because',
      decision.evidence.notFrozenBecause === null ? undefined : cleanText(decision.evidence.notFrozenBecause),
    ],
    ['Ruleset', decision.rulesetHash.slice(0, 12)],
    ['Wallet now', wallet === undefined ? undefined : walletStatus(wallet)],
    ['Model review', reviewWords(review)],
    ['Radar now', radar === undefined ? undefined : radarWords(radar)],
  ]);
  const rules = decision.evidence.results;
  return [
    cleanText(alert.title),
    summary,
    ...(rules.length === 0 ? [] : [ruleTable(rules, alert.currency)]),
    about,
  ].join('\n\n');
}

/** What a rule's status means to a reader: `snoozed` is about telling people again, not about whether the rule fires. */
const RESULTS: Readonly<Record<string, string>> = {
  hit: 'fires',
  snoozed: 'fires, told before',
  no_hit: 'quiet',
  inconclusive: 'too little history',
};

/** The numbers behind the sentences above: what each rule saw, what it expected, and from where on it fires. */
function ruleTable(rules: readonly RuleEvidence[], currency: string): string {
  const figure = (value: number | null, rule: RuleEvidence) =>
    value === null || rule.status === 'inconclusive' ? '–' : formatValue(value, rule, currency);
  return table(
    [
      { head: 'RULE', cell: ({ ruleId }) => ruleId },
      {
        head: 'RESULT',
        cell: ({ status, mode }) => (RESULTS[status] ?? inWords(status)) + (mode === 'shadow' ? ' (shadow)' : ''),
      },
      { head: 'POINTS', align: 'right', cell: ({ score }) => String(score) },
      { head: 'WINDOW', cell: ({ windowMs }) => (windowMs === 0 ? '–' : formatWindow(windowMs)) },
      {
        head: 'SAW',
        align: 'right',
        cell: ({ observed, unit }) => (observed === null ? '–' : formatValue(observed, { unit }, currency)),
      },
      { head: 'EXPECTED', align: 'right', cell: (rule) => figure(rule.expected, rule) },
      { head: 'FIRES FROM', align: 'right', cell: (rule) => figure(rule.threshold, rule) },
    ],
    rules,
  );
}
