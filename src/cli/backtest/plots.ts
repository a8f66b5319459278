import { formatUtc, formatUtcDay } from '../../domain/text/utc.ts';
import { HOUR_MS } from '../../domain/time.ts';
import type { BacktestReport, CaughtAccount, CurvePoint, DayView, LabelView } from '../../pipeline/backtest/report.ts';
import { money, timeOf } from '../demo/report-values.ts';
import { bar, type Frame, frameOf, polyline, scale, svg, ticksFor, xLabels, yAxis } from './svg.ts';

const WIDE = frameOf(960, 240);
const SMALL = frameOf(450, 180);

/** Whether the budget is drawn: a line far above everything would press the bars flat. */
export function showsBudget({ budgetPerDay }: BacktestReport['alerts'], mostPerDay: number): boolean {
  return budgetPerDay <= mostPerDay * 3;
}

/** Most alerts of one day, at least one. */
export function mostPerDay({ perDay }: BacktestReport): number {
  return Math.max(...perDay.map(({ watch, review, freeze }) => watch + review + freeze), 1);
}

/** Alerts a day by outcome, with the budget as a line. */
export function plotAlerts(report: BacktestReport): string {
  const { perDay, alerts } = report;
  const most = mostPerDay(report);
  const isBudgetShown = showsBudget(alerts, most);
  const ticks = ticksFor(Math.max(most, isBudgetShown ? alerts.budgetPerDay : 0)).filter(Number.isInteger);
  const top = ticks.at(-1) ?? 1;
  const bars = perDay.map((day, index) => {
    const { x, width } = slot(WIDE, perDay.length, index);
    let below = 0;
    return (['watch', 'review', 'freeze'] as const)
      .map((outcome) => {
        const y = scale(below + day[outcome], top, WIDE.height - WIDE.bottom, WIDE.top);
        const height = scale(below, top, WIDE.height - WIDE.bottom, WIDE.top) - y;
        below += day[outcome];
        return bar({ x, y, width, height }, outcome, `${day.day}: ${day[outcome]} ${outcome}`);
      })
      .join('');
  });
  const budgetY = scale(alerts.budgetPerDay, top, WIDE.height - WIDE.bottom, WIDE.top);
  const budget = isBudgetShown
    ? polyline(
        [WIDE.left, WIDE.width - WIDE.right].map((x) => ({ x, y: budgetY })),
        'limit',
      )
    : '';
  const body = yAxis(WIDE, ticks, String) + bars.join('') + budget + dayLabels(WIDE, perDay);
  return svg(WIDE, 'Alerts per day', body);
}

/** What freezes would have saved and cost, summed over time. */
export function plotMoney({ perDay, currency }: BacktestReport): string {
  const saved = running(perDay.map((day) => Number(day.saved)));
  const friction = running(perDay.map((day) => Number(day.friction)));
  const most = Math.max(saved.at(-1) ?? 0, friction.at(-1) ?? 0);
  const ticks = most > 0 ? ticksFor(most) : [0, 1];
  const top = ticks.at(-1) ?? 1;
  const line = (values: readonly number[], css: string) =>
    polyline(
      values.map((value, index) => {
        const { x, width } = slot(WIDE, perDay.length, index);
        return { x: x + width / 2, y: scale(value, top, WIDE.height - WIDE.bottom, WIDE.top) };
      }),
      css,
    );
  const axis = yAxis(WIDE, ticks, (value) => amountLabel(value, currency));
  const body = axis + line(saved, 'line good') + line(friction, 'line bad') + dayLabels(WIDE, perDay);
  return svg(WIDE, 'Money saved and friction over time', body);
}

/** Precision and recall against the budget of false incidents. */
export function plotCurve({ curve }: LabelView): string {
  const yOf = (share: number) => scale(share, 1, SMALL.height - SMALL.bottom, SMALL.top);
  const line = (share: (point: CurvePoint) => number | null, css: string) =>
    budgetLine(
      curve,
      (point) => {
        const value = share(point);
        return value === null ? null : yOf(value);
      },
      css,
    );
  const body =
    yAxis(SMALL, [0, 0.25, 0.5, 0.75, 1], (value) => `${Math.round(value * 100)} %`) +
    line(({ recall }) => recall, 'line good') +
    line(({ precision }) => precision, 'line neutral') +
    budgetLabels(curve);
  return svg(SMALL, 'Precision and recall by budget', body);
}

/** What had not been stolen yet when an attack was found, and what had, against the budget of false incidents. */
export function plotSaved({ curve }: LabelView, currency: string): string {
  const ticks = ticksFor(Math.max(...curve.map(({ saved, lost }) => Math.max(Number(saved), Number(lost))), 0.01));
  const top = ticks.at(-1) ?? 1;
  const line = (amount: (point: CurvePoint) => string, css: string) =>
    budgetLine(curve, (point) => scale(Number(amount(point)), top, SMALL.height - SMALL.bottom, SMALL.top), css);
  const body =
    yAxis(SMALL, ticks, (value) => amountLabel(value, currency)) +
    line(({ saved }) => saved, 'line good') +
    line(({ lost }) => lost, 'line bad') +
    budgetLabels(curve);
  return svg(SMALL, 'Stolen usage saved and lost by budget', body);
}

function budgetX(curve: readonly CurvePoint[], budget: number): number {
  const top = Math.max(...curve.map((point) => point.budget), 1);
  // Small budgets are the interesting ones.
  return scale(Math.sqrt(budget), Math.sqrt(top), SMALL.left, SMALL.width - SMALL.right);
}

function budgetLine(curve: readonly CurvePoint[], y: (point: CurvePoint) => number | null, css: string): string {
  return polyline(
    curve.map((point) => ({ x: budgetX(curve, point.budget), y: y(point) })),
    css,
  );
}

function budgetLabels(curve: readonly CurvePoint[]): string {
  const shown = curve.filter(({ budget }) => [0.5, 1, 2, 5, 10, 20].includes(budget));
  return xLabels(
    SMALL,
    shown.map(({ budget }) => ({ x: budgetX(curve, budget), text: String(budget) })),
  );
}

/** Spend per hour of a caught account: before the alert, since, and what was usual. */
export function plotCaught(caught: CaughtAccount, currency: string): string {
  const amounts = caught.spend.map(Number);
  const [usual, usualHigh] = [Number(caught.usual ?? 0), Number(caught.usualHigh ?? 0)];
  const ticks = ticksFor(Math.max(...amounts, usualHigh, 0.01), 3);
  const top = ticks.at(-1) ?? 1;
  const floor = SMALL.height - SMALL.bottom;
  const fromMs = timeOf(caught.from);
  const alertIndex = Math.floor((timeOf(caught.at) - fromMs) / HOUR_MS);
  const bars = amounts.map((amount, index) => {
    const { x, width } = slot(SMALL, amounts.length, index);
    const y = scale(amount, top, floor, SMALL.top);
    const title = `${formatUtc(fromMs + index * HOUR_MS)}: ${money(caught.spend[index] ?? '0', currency)}`;
    return bar({ x, y, width, height: floor - y }, index < alertIndex ? 'before' : 'since', title);
  });
  const level = (value: number, css: string) => {
    const y = scale(value, top, floor, SMALL.top);
    return polyline(
      [SMALL.left, SMALL.width - SMALL.right].map((x) => ({ x, y })),
      css,
    );
  };
  const at = slot(SMALL, amounts.length, alertIndex).x;
  const mark = `<line class="mark" x1="${at}" x2="${at}" y1="${SMALL.top}" y2="${floor}"/>`;
  const baseline = caught.usual === null ? '' : level(usual, 'usual') + level(usualHigh, 'usual high');
  const days = [0, 24, 48, 72, 96].filter((hour) => hour < amounts.length);
  const labels = days.map((hour) => {
    return { x: slot(SMALL, amounts.length, hour).x + 14, text: formatUtcDay(fromMs + hour * HOUR_MS) };
  });
  const axis = yAxis(SMALL, ticks, (value) => amountLabel(value, currency));
  return svg(
    SMALL,
    `Spend per hour of ${caught.account}`,
    axis + bars.join('') + baseline + mark + xLabels(SMALL, labels),
  );
}

function slot(frame: Frame, count: number, index: number): { readonly x: number; readonly width: number } {
  const step = (frame.width - frame.left - frame.right) / Math.max(1, count);
  return { x: Math.round((frame.left + index * step) * 10) / 10, width: step > 4 ? step - 1 : step };
}

const LABELS_MAX = 10;

function dayLabels(frame: Frame, days: readonly DayView[]): string {
  const every = Math.max(1, Math.ceil(days.length / LABELS_MAX));
  const labels = days.flatMap(({ day }, index) => {
    if (index % every !== 0) return [];
    const { x, width } = slot(frame, days.length, index);
    return [{ x: x + width / 2, text: formatUtcDay(timeOf(`${day}T00:00:00Z`)) }];
  });
  return xLabels(frame, labels);
}

function running(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => {
    sum += value;
    return sum;
  });
}

/** An amount for an axis, short enough to stand beside it: `$0.25`, `$4,000`, `$30k`, `$1.2M`. */
export function amountLabel(value: number, currency: string): string {
  const [unit, suffix] = value >= 1e9 ? [1e9, 'G'] : value >= 1e6 ? [1e6, 'M'] : value >= 1e4 ? [1e3, 'k'] : [1, ''];
  const text = money((value / unit).toFixed(value > 0 && value < 1 ? 4 : 2), currency);
  const short = text.replace(/(\.\d\d+?)0+$/, '$1').replace(/\.00$/, '');
  return `${suffix === '' ? short : short.replace(/(\.\d)0$/, '$1')}${suffix}`;
}
