import { formatUtc, formatUtcDay } from '../../domain/text/utc.ts';
import type { Share } from '../../pipeline/backtest/intervals.ts';
import type { BacktestReport, ScoreView } from '../../pipeline/backtest/report.ts';
import { money, timeOf } from '../demo/report-values.ts';
import { count } from '../output/words.ts';

/** `62 % (30 of 48)`, or a dash when there is nothing to divide. */
export function shareText({ value, hits, of }: Share): string {
  return value === null ? '–' : `${percent(value)} (${hits} of ${of})`;
}

/** `48–75 %`: where the true share plausibly lies. */
export function rangeText({ value, low, high }: Share): string {
  return value === null ? '–' : `${Math.round(low * 100)}–${Math.round(high * 100)} %`;
}

/** `62 %`. */
export function percent(value: number): string {
  return `${Math.round(value * 100)} %`;
}

/** A part of an amount as a share of it: `$3.20 of $9.83 (33 %)`. */
export function partText(part: string, whole: string, currency: string): string {
  const of = Number(whole);
  const share = of > 0 ? ` (${percent(Number(part) / of)})` : '';
  return `${money(part, currency)} of ${money(whole, currency)}${share}`;
}

/** One sentence on what was played. */
export function historyText({ events, accounts, from, to, days }: BacktestReport): string {
  const span = from === null || to === null ? '' : `, ${dayText(from)} to ${dayText(to)} (${daysText(days)})`;
  const copies = events.altered === 0 ? '' : `, ${count(events.altered, 'altered copy').replace(/copys$/, 'copies')}`;
  return (
    `${count(events.read, 'event')} of ${count(accounts, 'account')}${span}; ` +
    `${count(events.duplicates, 'duplicate')}${copies} left out of spend.`
  );
}

/** One sentence on what people would have been told. */
export function alertsText({ alerts }: BacktestReport): string {
  const { byOutcome } = alerts;
  const over = alerts.daysOverBudget === 0 ? '' : `, above it on ${count(alerts.daysOverBudget, 'day')}`;
  return (
    `${count(alerts.total, 'alert')} on ${count(alerts.accounts, 'account')}: ` +
    `${byOutcome.watch} to watch, ${byOutcome.review} to review, ${byOutcome.freeze} frozen. ` +
    `${alerts.perDay} a day; the budget is ${alerts.budgetPerDay}${over}.`
  );
}

/** One sentence on the money that freezes would have stopped. */
export function moneyText(report: BacktestReport): string {
  return `${freezesText(report)}${milderText(report)}`;
}

function milderText({ milder, currency }: BacktestReport): string {
  const { slowdowns, waited, heldBack } = milder;
  const slow =
    slowdowns === 0
      ? ''
      : ` ${count(slowdowns, 'slow-down')} would have had usage of ${money(waited, currency)} wait for later.`;
  const acts = [
    ...(heldBack.freezes === 0 ? [] : [count(heldBack.freezes, 'freeze')]),
    ...(heldBack.slowdowns === 0 ? [] : [count(heldBack.slowdowns, 'slow-down')]),
  ];
  return acts.length === 0 ? slow : `${slow} Caps would have held back ${acts.join(' and ')}.`;
}

function freezesText({ money: amounts, freezes, currency }: BacktestReport): string {
  const { stopped, saved, friction, stolen } = amounts;
  if (freezes.length === 0) {
    const all = stolen === null ? '' : ` Attacks took ${money(stolen, currency)} in all.`;
    return `No wallet would have been frozen, so no usage would have been stopped.${all}`;
  }
  if (saved === null || friction === null || stolen === null) {
    const what = 'How much of it was stolen only labels can say (--labels).';
    return `${count(freezes.length, 'freeze')} would have stopped usage of ${money(stopped, currency)}. ${what}`;
  }
  return (
    `${count(freezes.length, 'freeze')} would have saved ${partText(saved, stolen, currency)} stolen, ` +
    `and stopped ${money(friction, currency)} of honest usage.`
  );
}

/** One sentence on a score. */
export function scoreText(score: ScoreView, currency: string): string {
  const { recall, precision, macroRecall, falsePer1000, lostBefore, loss } = score;
  return (
    `found ${shareText(recall)} of the attacks, ${percent(macroRecall)} as a mean of families; ` +
    `precision ${shareText(precision)}; ${falsePer1000} false incidents per 1,000 account-days; ` +
    `${partText(lostBefore, loss, currency)} lost before detection.`
  );
}

/** What a score is about. */
export function scoreTitle({ budget, threshold }: ScoreView): string {
  if (budget === null) return 'What the ruleset decides';
  const from = threshold === null ? 'no score fits' : `scores from ${Math.round(threshold * 1000) / 1000}`;
  return `What the rules see, at ${budget} false ${budget === 1 ? 'incident' : 'incidents'} per 1,000 account-days (${from})`;
}

/** `3 Mar 2025 14:02 UTC`. */
export function timeText(iso: string): string {
  return formatUtc(timeOf(iso), { year: true });
}

function dayText(iso: string): string {
  return `${formatUtcDay(timeOf(iso))} ${iso.slice(0, 4)}`;
}

function daysText(days: number): string {
  return `${days < 10 ? days.toFixed(1) : Math.round(days)} days`;
}
