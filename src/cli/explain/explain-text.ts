import { formatWindow } from '../../domain/rules/say.ts';
import { cleanLabel, cleanText, displayWidth } from '../../domain/text/clean.ts';
import { labelled } from '../../domain/text/wrap.ts';
import type { Check } from '../../pipeline/explain/detect-checks.ts';
import type { DecisionExplanation, RuleExplanation } from '../../pipeline/explain/explain-decision.ts';
import type { ChoiceEvidence } from '../../pipeline/queries/decision-evidence.ts';
import type { ExplainedDecision } from '../../pipeline/queries/explained-decision.ts';
import { reviewWords } from '../../pipeline/review/review-words.ts';
import { table } from '../output/table.ts';
import { count, inWords, time } from '../output/words.ts';
import { changeWords, checkValue, nanosWords, usualWords, VERDICT_WORDS } from './explain-words.ts';

const LAYOUT = { indent: 14, columns: 100 } as const;
const TEXT_COLUMNS_MAX = 56;

/** A decision as a person reads it who wants to know why. Text that customers control is cleaned. */
export function explainText(explained: {
  readonly decision: ExplainedDecision;
  readonly explanation: DecisionExplanation;
  readonly hasRules: boolean;
}): string {
  const { decision, explanation } = explained;
  const review = reviewWords(decision.review);
  return [
    [...heading(decision), ...(explained.hasRules ? [] : [MISSING_RULES])].join('\n'),
    ...explanation.rules.map((rule) => ruleText(rule, decision.currency)),
    sums(decision, explanation),
    ...(review === undefined ? [] : [labelled('Model review', [review], LAYOUT)]),
    ...(decision.evidence.choice === undefined ? [] : [choiceTable(decision.evidence.choice, decision.currency)]),
  ].join('\n\n');
}

const MISSING_RULES = 'The files of that ruleset are not kept, so what its thresholds are made of cannot be shown.';

function heading({ account, alert, decidedAtMs, decisionId, evidence, rulesetHash }: ExplainedDecision): string[] {
  const { event, raised } = evidence;
  const told =
    alert !== null
      ? `alert ${alert.alertId} (${inWords(alert.status)})`
      : raised === true
        ? 'its alert is gone'
        : 'no alert: nothing live spoke for the first time';
  const about = event === undefined ? '' : `, at event ${cleanLabel(event.id, 48)} of ${cleanLabel(event.source, 40)}`;
  return [
    `${cleanLabel(account, 40)} · ${time(decidedAtMs)}${about}`,
    `Decision ${decisionId}, ${told} · ruleset ${cleanText(rulesetHash).slice(0, 12)}`,
    ...(evidence.rules === undefined ? [] : [`Rules: ${cleanText(evidence.rules)}.`]),
  ];
}

function ruleText(rule: RuleExplanation, currency: string): string {
  const { evidence, verdict } = rule;
  const points = evidence.score > 0 ? `, ${evidence.score} points` : '';
  const mode = evidence.mode === 'live' ? 'live' : 'shadow: without effect';
  const window = evidence.windowMs > 0 ? ` · ${formatWindow(evidence.windowMs)}` : '';
  const usual = usualWords(rule, currency);
  const notes = [
    ...(evidence.say === '' ? [] : [cleanText(evidence.say)]),
    ...(evidence.reason === undefined ? [] : [`${cleanText(evidence.reason)}.`]),
  ];
  const indented = (text: string) => labelled('', [text], { indent: 2, columns: LAYOUT.columns });
  return [
    `${cleanLabel(evidence.ruleId, 60)} · ${VERDICT_WORDS[verdict]}${points} · ${mode}`,
    `  ${cleanLabel(evidence.feature === '' ? evidence.kind : evidence.feature, 60)}${window}${usual === undefined ? '' : ` · usual ${usual}`}`,
    ...notes.map(indented),
    ...checkLines(rule.checks, currency),
    // Many rules say it in their own sentence.
    ...changeWords(rule, currency)
      .filter((change) => !evidence.say.includes(change))
      .map(indented),
  ].join('\n');
}

function checkLines(checks: readonly Check[], currency: string): readonly string[] {
  const rows = checks.map(({ part, text, value, against, unit, holds }) => {
    const isNumbered = typeof value === 'number' || typeof against === 'number';
    const needs = against === null ? '' : checkValue(against, unit, currency);
    return {
      mark: holds === null ? '?' : holds ? '✓' : '✗',
      text: cleanLabel(part === 'detect' ? text : `${part} ${text}`, TEXT_COLUMNS_MAX),
      value: cleanLabel(checkValue(value, unit, currency), 40),
      needs:
        needs === '' || !isNumbered ? cleanLabel(needs, 40) : `${part === 'detect' ? 'needs' : 'against'} ${needs}`,
    };
  });
  const width = (of: 'text' | 'value') => Math.max(0, ...rows.map((row) => displayWidth(row[of])));
  const [texts, values] = [width('text'), width('value')];
  return rows.map(({ mark, text, value, needs }) => {
    const space = (used: string, all: number) => ' '.repeat(Math.max(0, all - displayWidth(used)));
    return `  ${mark} ${text}${space(text, texts)}  ${space(value, values)}${value}  ${needs}`.trimEnd();
  });
}

function sums(decision: ExplainedDecision, explanation: DecisionExplanation): string {
  const { evidence, currency } = decision;
  const block = (label: string, ...paragraphs: string[]) => labelled(label, paragraphs, LAYOUT);
  const unsure = explanation.rules
    .filter(({ verdict }) => verdict === 'inconclusive')
    .map(({ evidence: { ruleId } }) => ruleId);
  return [
    block('Points', ...pointsWords(decision, explanation)),
    block('At risk', ...riskWords(explanation, currency)),
    ...(evidence.loss === undefined || evidence.loss === 0n
      ? []
      : [block('Spent', `${nanosWords(evidence.loss, currency)} above the usual so far.`)]),
    block(
      evidence.notFrozenBecause === null ? 'Frozen' : 'Not frozen',
      evidence.notFrozenBecause === null
        ? decision.outcome === 'freeze'
          ? 'The points asked for it, and neither the costs nor the day’s cap spoke against it.'
          : 'Nothing was kept about a freeze.'
        : `${cleanText(evidence.notFrozenBecause)}.`,
    ),
    ...(unsure.length === 0
      ? []
      : [
          block('Not certain', `${count(unsure.length, 'rule')} could not judge: ${unsure.map(cleanText).join(', ')}.`),
        ]),
    ...(evidence.choice === undefined ? [] : [block('Chance', ...chanceWords(evidence.choice, explanation))]),
  ].join('\n');
}

function pointsWords({ score, outcome }: ExplainedDecision, { rules, band, harsher }: DecisionExplanation): string[] {
  const adding = rules.filter(({ evidence }) => evidence.score > 0);
  const made = adding.map(({ evidence }) => `${cleanText(evidence.ruleId)} ${evidence.score}`).join(' + ');
  const from = band === undefined ? '' : `; ${band.from} to ${band.to} means ${band.outcome}`;
  const next = harsher.map((of) => `${of.missing} more mean ${of.outcome}`).join(', ');
  const without = adding.flatMap(({ evidence, without: rest }) =>
    rest === undefined || rest.outcome === ''
      ? []
      : [`Without ${cleanText(evidence.ruleId)}: ${rest.score} points, ${rest.outcome}.`],
  );
  const shadow = rules.filter(({ evidence, verdict }) => evidence.mode !== 'live' && verdict.startsWith('fires'));
  return [
    `${score} of 100${made === '' ? '' : ` = ${made}`}${from}. Outcome: ${cleanText(outcome)}.${next === '' ? '' : ` ${next}.`}`,
    ...without,
    ...(shadow.length === 0
      ? []
      : [
          `Fires in shadow, which adds nothing: ${shadow.map(({ evidence }) => cleanText(evidence.ruleId)).join(', ')}.`,
        ]),
  ];
}

function riskWords({ risk }: DecisionExplanation, currency: string): string[] {
  if (risk === undefined) return ['The decision kept no money at risk.'];
  const { totalNanos, owedNanos, usageNanos, burnNanosPerHour, reactionHours, isFrozen, reversibleNanos } = risk;
  const money = (nanos: bigint) => nanosWords(nanos, currency);
  if (reversibleNanos === null) return [`${money(totalNanos)}; how it was added up was not kept.`];
  const usage = isFrozen
    ? `${money(0n)} of usage, since the wallet is frozen`
    : `${money(usageNanos)} of usage (${reactionHours} hours until somebody reacts × ${money(burnNanosPerHour)} an hour, the busier of the last two)`;
  return [
    `${money(totalNanos)} = ${money(owedNanos)} owed (balance below zero) + ${money(reversibleNanos)} of top-ups that can be reversed + ${usage}.`,
  ];
}

function chanceWords({ probability }: ChoiceEvidence, { harsherFromChance }: DecisionExplanation): string[] {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const { mean, lower, upper, cases } = probability;
  const rests = cases === 0 ? 'from the points alone' : `from the points and ${count(cases, 'closed case')}`;
  return [
    `of abuse ${percent(mean)} (${percent(lower)} to ${percent(upper)}), ${rests}.`,
    ...(harsherFromChance === undefined
      ? []
      : [`From a chance of ${percent(harsherFromChance)} on, what the points allow would have been chosen.`]),
  ];
}

/** The expected loss of every outcome, and which was chosen. */
function choiceTable(choice: ChoiceEvidence, currency: string): string {
  return table(
    [
      { head: 'EXPECTED COST OF', cell: ({ outcome }) => outcome },
      { head: 'LOST TO ABUSE', align: 'right', cell: ({ lossNanos }) => nanosWords(lossNanos, currency) },
      { head: 'IF HONEST', align: 'right', cell: ({ frictionNanos }) => nanosWords(frictionNanos, currency) },
      { head: 'WORK', align: 'right', cell: ({ reviewNanos }) => nanosWords(reviewNanos, currency) },
      { head: 'SUM', align: 'right', cell: ({ totalNanos }) => nanosWords(totalNanos, currency) },
      {
        head: '',
        cell: ({ outcome }) =>
          [
            ...(outcome === choice.outcome ? ['chosen'] : []),
            ...(outcome === choice.byPoints ? ['by points'] : []),
          ].join(', '),
      },
    ],
    choice.options,
  );
}
